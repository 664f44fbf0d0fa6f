import { type Document, type JsonObject, type JsonValue, own } from '../shared/index.ts'
import type { ReadOptions, SourceFile } from './reader.ts'

/** Names that columns go by, most usual first; upper and lower case are one. */
const idColumns = ['id', '_id']
const textColumns = ['text', 'contents', 'content', 'body']
const titleColumns = ['title']

export interface Columns {
  readonly id: string | undefined
  readonly text: string
  readonly title: string | undefined
}

/** A row, and where it is: the lines of the file on which it begins and ends, counted from 1. */
export interface Row {
  readonly values: JsonObject
  readonly line: number
  readonly lastLine: number
}

/** Which columns hold id, text and title: those asked for, else the usual ones. Throws a reason where one is missing. */
export function columnsOf(names: readonly string[], { idColumn, textColumn, titleColumn }: ReadOptions): Columns {
  const usual = (known: readonly string[]) => {
    const exact = known.find((name) => names.includes(name))
    return exact ?? names.find((name) => known.includes(name.trim().toLowerCase()))
  }
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

/** Names of the payload that say where a row is; a column of the same name becomes `row_path`, and so on. */
const reserved = ['path', 'root', 'line']

/** A row as a document: id, text and title from their columns, everything else as payload. Throws a reason where it has no text, or no id. */
export function rowToDocument(
  { values, line, lastLine }: Row,
  columns: Columns,
  { id: fileId, place, shown }: SourceFile,
  { globalIds = false, legacyIds = false }: ReadOptions,
): Document {
  const text = own(values, columns.text)
  if (typeof text !== 'string') throw new Error(`no text: expected a string in '${columns.text}'.`)
  const rowId = columns.id === undefined ? undefined : idOf(own(values, columns.id), columns.id)
  const title = columns.title === undefined ? undefined : titleOf(own(values, columns.title))
  const named = new Set([columns.id, columns.text, columns.title])
  const rest = Object.entries(values)
    .filter(([column]) => !named.has(column))
    .map(([column, value]) => [reserved.includes(column) ? `row_${column}` : column, value] as const)
  const id = rowId === undefined ? `${fileId}:${line}` : globalIds ? rowId : `${fileId}#${rowId}`
  const before = rowId ?? `${shown}:${lastLine}`
  return {
    id,
    text,
    ...(title === undefined ? {} : { title }),
    payload: { ...place, line, ...Object.fromEntries(rest) },
    ...(legacyIds && before !== id ? { replaces: before } : {}),
  }
}

/** How MongoDB exports ids that are no JSON. */
const wrapped = ['$oid', '$uuid', '$numberLong', '$numberInt']

/** The id of a row as a string. Throws a reason for what is none. */
function idOf(value: JsonValue | undefined, column: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  if (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value))) return String(value)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const [[key, inner] = ['', undefined], ...others] = Object.entries(value)
    if (others.length === 0 && wrapped.includes(key) && typeof inner === 'string' && inner !== '') return inner
  }
  throw new Error(`no id: expected a string or a number in '${column}'; got ${shownValue(value)}.`)
}

function titleOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

function shownValue(value: JsonValue | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 80)
}
