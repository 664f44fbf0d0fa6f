import { type CellValue, cellValue, messageOf, openTable, own, QontrastError, type Table } from '../shared/index.ts'
import { streamTextFile } from './decode.ts'
import type { FieldType, Reader, ReadOptions } from './reader.ts'
import { columnsOf, rowToDocument } from './rows.ts'

export const readCsv: Reader = (...args) => readTable(false, ...args)
export const readTsv: Reader = (...args) => readTable(true, ...args)

/** A row a document, with a header; lines that are no row are reported. */
async function* readTable(
  tabs: boolean,
  ...[source, options, { fail, read, encoding: onEncoding }]: Parameters<Reader>
): ReturnType<Reader> {
  const { encoding } = options
  const table = await openTable(() => streamTextFile(source.file, () => {}, { encoding }), { tabs })
  const rows = table.rows(
    ({ line, reason }) => fail(line, reason),
    streamTextFile(source.file, read, { encoding, onEncoding }),
  )
  if (!table.first) {
    for await (const _ of rows) break // tells why there is no row, if the file is not empty
    return
  }
  const named = namedColumns(table, options)
  const cells = cellReaders(table, named, options)
  const payload = cells.filter(({ raw }) => !raw)
  if (payload.length > 0) {
    options.onColumns?.({
      path: source.shown,
      types: Object.fromEntries(payload.map(({ name, type }) => [name, type])),
    })
  }
  for await (const { cells: given, line, lastLine } of rows) {
    try {
      const values = Object.fromEntries(
        cells.flatMap(({ name, read: readCell }, i) => {
          const value = readCell(given[i] ?? '')
          return value === undefined ? [] : [[name, value]]
        }),
      )
      yield rowToDocument({ values, line, lastLine }, named, source, options)
    } catch (error) {
      fail(line, messageOf(error))
    }
  }
}

interface CellReader {
  readonly name: string
  readonly type: FieldType
  /** Id, text and title are taken as they stand. */
  readonly raw: boolean
  readonly read: (cell: string) => CellValue | undefined
}

/** A declared field decides what its cells are, else all the cells of the column together. */
function cellReaders(
  { columns, types }: Table,
  { id, text, title }: ReturnType<typeof columnsOf>,
  { fields = {} }: ReadOptions,
): CellReader[] {
  return columns.map((name, i) => {
    if ([id, text, title].includes(name)) return { name, type: 'keyword', raw: true, read: (cell) => cell }
    const declared = own(fields, name)
    const type = declared ?? types[i] ?? 'keyword'
    const read = (cell: string) => {
      try {
        return cellValue(cell, type, declared !== undefined)
      } catch (error) {
        throw new Error(`field ${JSON.stringify(name)} ${messageOf(error)}`, { cause: error })
      }
    }
    return { name, type, raw: false, read }
  })
}

function namedColumns({ columns }: Table, options: ReadOptions): ReturnType<typeof columnsOf> {
  try {
    const { titleColumn } = options
    if (titleColumn !== undefined && !columns.includes(titleColumn))
      throw new Error(`there is no column '${titleColumn}': the columns are ${columns.join(', ')}.`)
    return columnsOf(columns, options)
  } catch (cause) {
    throw new QontrastError('invalid-input', messageOf(cause), { cause })
  }
}
