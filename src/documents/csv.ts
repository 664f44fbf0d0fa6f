import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import { messageOf } from '../shared/index.ts'
import type { Reader } from './reader.ts'
import { rowToDocument } from './rows.ts'

export const readCsv: Reader = (...args) => readTable(',', ...args)
export const readTsv: Reader = (...args) => readTable('\t', ...args)

type Parsed = { readonly record: Record<string, string>; readonly info: { readonly lines: number } }

/** A row a document, with a header; rows with another number of columns are reported by their line. */
async function* readTable(
  delimiter: string,
  ...[{ file, path }, options, fail]: Parameters<Reader>
): ReturnType<Reader> {
  const parser = parse({
    delimiter,
    columns: true,
    bom: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_quotes: delimiter === '\t',
  })
  parser.on('skip', (error: { lines?: number; message: string }) => fail(error.lines ?? 0, error.message))
  const source = createReadStream(file)
  source.on('error', (error) => parser.destroy(error))
  const rows: AsyncIterable<Parsed> = source.pipe(parser)
  for await (const { record, info } of rows) {
    try {
      yield rowToDocument(record, path, info.lines, options)
    } catch (error) {
      fail(info.lines, messageOf(error))
    }
  }
}
