import { pipeline, Readable } from 'node:stream'
import { type CsvError, parse } from 'csv-parse'
import { messageOf, QontrastError } from '../shared/index.ts'
import { streamTextFile } from './decode.ts'
import type { Reader, ReadOptions } from './reader.ts'
import { type Columns, columnsOf, rowToDocument } from './rows.ts'

export const readCsv: Reader = (...args) => readTable(',', ...args)
export const readTsv: Reader = (...args) => readTable('\t', ...args)

type Row = { readonly record: Record<string, string>; readonly line: number }

const longestRow = 16_000_000
/** What a quote that is never closed ends with: the error names the line where parsing gave up, not the one where it opens. */
const openQuote: readonly string[] = ['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE']

/** A row a document, with a header; a row that cannot be read is reported by its line. */
async function* readTable(
  delimiter: string,
  ...[source, options, { fail, read, encoding: onEncoding }]: Parameters<Reader>
): ReturnType<Reader> {
  let columns: Columns | undefined
  let line = 1
  const parser = parse({
    delimiter,
    columns: (header: string[]) => {
      columns = columnsOfHeader(header, options)
      return header
    },
    on_record: (record: Record<string, string>, info): Row => {
      line = info.lines
      return { record, line }
    },
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_quotes: true,
    max_record_size: longestRow,
  })
  parser.on('skip', (error: CsvError & { lines?: number }) => {
    if (openQuote.includes(error.code)) fail(line + 1, 'a quote opens here that is never closed.')
    else fail(error.lines ?? line + 1, error.message)
    line = error.lines ?? line
  })
  pipeline(
    Readable.from(streamTextFile(source.file, read, { encoding: options.encoding, onEncoding })),
    parser,
    () => {},
  ) // an error reaches the loop through the parser
  const rows: AsyncIterable<Row> = parser
  for await (const row of rows) {
    if (!columns) throw new QontrastError('internal', 'a row came before the header')
    try {
      yield rowToDocument({ values: row.record, line: row.line, lastLine: row.line }, columns, source, options)
    } catch (error) {
      fail(row.line, messageOf(error))
    }
  }
}

function columnsOfHeader(header: readonly string[], options: ReadOptions): Columns {
  try {
    const { titleColumn } = options
    if (titleColumn !== undefined && !header.includes(titleColumn))
      throw new Error(`there is no column '${titleColumn}': the columns are ${header.join(', ')}.`)
    return columnsOf(header, options)
  } catch (cause) {
    throw new QontrastError('invalid-input', messageOf(cause), { cause })
  }
}
