import { stat } from 'node:fs/promises'
import path from 'node:path'
import { messageOf, QontrastError, systemCodeOf } from '../errors.ts'
import { parseJson } from '../json.ts'
import { linesOf } from '../lines.ts'
import { openTable } from '../table/open-table.ts'
import type { LostLines } from '../table/parse-rows.ts'
import { type JsonText, jsonValues } from './json-values.ts'
import { textPieces } from './text-pieces.ts'

/**
 * A row of a file of data. Columns are in the file's order, and two may have one name; those of a row without names are `1`, `2` and so on.
 */
export interface DataRow {
  readonly values: readonly (readonly [column: string, value: unknown])[]
  /** Where it begins, counted from 1. */
  readonly line: number
}

export interface ReadRowsOptions {
  /** Told what is no row: without a line, it is the file's end that is missing. */
  readonly onLost: (lost: LostLines) => void
  /** Whether the first row of a table names its columns; it does unless this says no. */
  readonly isHeader?: (cells: readonly string[]) => boolean
}

type RowReader = (file: string, options: ReadRowsOptions) => AsyncGenerator<DataRow, void, undefined>

/** Kinds of files by their extensions; `.gz` after one is unpacked. */
const readers: Readonly<Record<string, RowReader>> = {
  '.jsonl .ndjson': (file, options) => jsonRows(lineTexts(file), options),
  '.json': (file, options) => jsonRows(jsonValues(textPieces(file)), options),
  '.csv': tableRows,
  '.tsv .tab': tableRows,
  '.txt': sniffedRows,
}
/** Files that people have, and what makes a file of them that is read. */
const refusals: Readonly<Record<string, string>> = {
  '.parquet':
    'Parquet is not read: write it as JSON lines, for example with pandas: read_parquet(…).to_json(…, orient="records", lines=True)',
  '.arrow .feather':
    'Arrow is not read: write it as JSON lines, for example with datasets: load_from_disk(…).to_json(…)',
  '.xlsx .xls .ods': 'spreadsheets are not read: save it as CSV',
  '.pkl .pickle .npy .npz .pt': 'data of Python is not read: write it as JSON lines or CSV',
  '.zip .tar .tgz .7z .rar .bz2 .xz .zst .zstd .lz4': 'of packed files, only .gz is read: unpack it',
  '.xml .yaml .yml .html .md': 'it is no table: write it as JSON lines or CSV',
}
const readable = extensionsOf(readers)

/** Extensions of the files that rows are read from. */
export const rowExtensions: readonly string[] = [...readable.keys()]

/**
 * The rows of a file of data, whatever it is written in, its blank lines left out. `file-unreadable` where there is no such file or it is
 * no text, `invalid-input` for a kind that is not read, with what to do.
 */
export async function* readRows(file: string, options: ReadRowsOptions): AsyncGenerator<DataRow, void, undefined> {
  try {
    if ((await stat(file)).isDirectory())
      throw new QontrastError('file-unreadable', `${file} is a folder: name a file in it.`)
    const reader = extensionOf(file) === '' ? sniffedRows : readable.get(extensionOf(file))
    if (!reader) throw refusalOf(file)
    yield* reader(file, options)
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
    throw new QontrastError('file-unreadable', `There is no file ${file}.`, { cause: error })
  }
}

/** True for a file that {@link readRows} reads, by its name. */
export function isRowFile(file: string): boolean {
  return readable.has(extensionOf(file))
}

/** The extension in lower case, less a `.gz` behind it. */
export function extensionOf(file: string): string {
  return path.extname(file.toLowerCase().replace(/\.gz$/, ''))
}

function refusalOf(file: string): QontrastError {
  const extension = extensionOf(file)
  const reason =
    extensionsOf(refusals).get(extension) ?? `the extension '${extension}' says no kind of file that is read`
  return new QontrastError(
    'invalid-input',
    `${file}: ${reason}. Read are ${rowExtensions.join(', ')}, and each with .gz.`,
  )
}

function extensionsOf<T>(table: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(
    Object.entries(table).flatMap(([names, value]) => names.split(' ').map((extension) => [extension, value] as const)),
  )
}

async function* jsonRows(texts: AsyncIterable<JsonText>, { onLost }: ReadRowsOptions) {
  for await (const { text, line } of texts) {
    try {
      yield { values: namedValues(parseJson(text)), line }
    } catch (error) {
      onLost({ line, lastLine: line, reason: `it is no row: ${messageOf(error)}` })
    }
  }
}

async function* lineTexts(file: string): AsyncGenerator<JsonText, void, undefined> {
  let line = 0
  for await (const text of linesOf(textPieces(file))) {
    line += 1
    if (text.trim() !== '') yield { text, line }
  }
}

function namedValues(row: unknown): DataRow['values'] {
  if (Array.isArray(row)) return row.map((value, i) => [String(i + 1), value])
  if (typeof row === 'object' && row !== null) return Object.entries(row)
  throw new Error(`expected an object or a list; got ${JSON.stringify(row).slice(0, 80)}`)
}

async function* tableRows(file: string, { onLost, isHeader = () => true }: ReadRowsOptions) {
  const tabs = ['.tsv', '.tab'].includes(extensionOf(file))
  const table = await openTable(() => textPieces(file), { tabs })
  const { first } = table
  const named = first === undefined || isHeader(first.cells.map((cell) => cell.trim()))
  const names = (first?.cells ?? []).map((cell, i) => (named ? cell.trim() : String(i + 1)))
  const rowOf = ({ cells, line }: { readonly cells: readonly string[]; readonly line: number }): DataRow => ({
    values: names.map((name, i) => [name, cells[i] ?? '']),
    line,
  })
  if (first && !named) yield rowOf(first)
  for await (const row of table.rows(onLost)) yield rowOf(row)
}

/** What has no telling name is a table, JSON lines or a list, as it begins. */
async function* sniffedRows(file: string, options: ReadRowsOptions) {
  let start = ''
  for await (const piece of textPieces(file)) {
    start = piece.trimStart()[0] ?? ''
    if (start !== '') break
  }
  const kind = start === '[' ? '.json' : start === '{' ? '.jsonl' : '.csv'
  yield* (readable.get(kind) ?? tableRows)(file, options)
}
