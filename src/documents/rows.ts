import type { Document, JsonObject, JsonValue } from '../shared/index.ts'
import type { ReadOptions } from './reader.ts'

/** Names that columns go by, most usual first. */
const idColumns = ['id', '_id']
const textColumns = ['text', 'contents', 'content', 'body']
const titleColumns = ['title']

export interface Columns {
  readonly id: string | undefined
  readonly text: string
  readonly title: string | undefined
}

/** Which columns hold id, text and title: those asked for, else the usual ones. Throws a reason where one is missing. */
export function columnsOf(names: readonly string[], { idColumn, textColumn, titleColumn }: ReadOptions): Columns {
  const usual = (known: readonly string[]) => known.find((name) => names.includes(name))
  const given = `the columns are ${names.join(', ') || 'none'}`
  for (const asked of [idColumn, textColumn]) {
    if (asked !== undefined && !names.includes(asked)) throw new Error(`there is no column '${asked}': ${given}.`)
  }
  const text = textColumn ?? usual(textColumns)
  if (text === undefined) {
    throw new Error(
      `no text: none of ${textColumns.join(', ')} is there, ${given}. Name another: textColumn (--text-column).`,
    )
  }
  return { id: idColumn ?? usual(idColumns), text, title: titleColumn ?? usual(titleColumns) }
}

/** A row as a document: id, text and title from their columns, everything else as payload. Throws a reason where it has no text. */
export function rowToDocument(row: JsonObject, columns: Columns, path: string, line: number): Document {
  const text = row[columns.text]
  if (typeof text !== 'string') throw new Error(`no text: expected a string in '${columns.text}'.`)
  const id = columns.id === undefined ? undefined : row[columns.id]
  const title = columns.title === undefined ? undefined : row[columns.title]
  const named = new Set([columns.id, columns.text, columns.title])
  const { path: rowPath, ...rest } = Object.fromEntries(Object.entries(row).filter(([column]) => !named.has(column)))
  return {
    id: isName(id) ? String(id) : `${path}:${line}`,
    text,
    ...(typeof title === 'string' && title !== '' ? { title } : {}),
    payload: { path, ...rest, ...(rowPath === undefined ? {} : { row_path: rowPath }) },
  }
}

function isName(value: JsonValue | undefined): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number'
}
