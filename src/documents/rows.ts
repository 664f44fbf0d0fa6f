import type { Document, JsonObject, JsonValue } from '../shared/index.ts'
import type { ReadOptions } from './reader.ts'

/** Names that columns go by, most usual first. */
const idColumns = ['id', '_id']
const textColumns = ['text', 'contents', 'content', 'body']
const titleColumns = ['title']

/** A row as a document: id, text and title from their columns, everything else as payload. Throws a reason where it has no text. */
export function rowToDocument(row: JsonObject, path: string, line: number, options: ReadOptions): Document {
  const pick = (asked: string | undefined, usual: readonly string[]) =>
    asked ?? usual.find((name) => row[name] !== undefined)
  const idColumn = pick(options.idColumn, idColumns)
  const textColumn = pick(options.textColumn, textColumns)
  const titleColumn = pick(options.titleColumn, titleColumns)
  const text = textColumn === undefined ? undefined : row[textColumn]
  if (typeof text !== 'string') {
    throw new Error(
      `no text: expected a string in ${textColumn ?? textColumns.join(' or ')}, the columns are ${Object.keys(row).join(', ') || 'none'}. Name another with --text-column.`,
    )
  }
  const id = idColumn === undefined ? undefined : row[idColumn]
  const title = titleColumn === undefined ? undefined : row[titleColumn]
  const named = new Set([idColumn, textColumn, titleColumn])
  const rest = Object.entries(row).filter(([column]) => !named.has(column))
  return {
    id: isName(id) ? String(id) : `${path}:${line}`,
    text,
    ...(typeof title === 'string' && title !== '' ? { title } : {}),
    payload: { path, ...Object.fromEntries(rest) },
    sections: [],
  }
}

function isName(value: JsonValue | undefined): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number'
}
