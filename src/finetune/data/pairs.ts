import { checkOptionKeys, type LostLines, type OptionKeys, QontrastError, readRows } from '../../shared/index.ts'
import { createLeftOut, type LeftOut } from './left-out.ts'
import { acceptedColumns, type PairColumns } from './pair-columns.ts'
import { type ColumnsRead, createRowReader } from './pair-rows.ts'
import { checkWhere, type Where, whereText } from './where.ts'

/** Two texts that belong together, and texts that do not belong to the anchor although they look like it. */
export interface Pair {
  readonly anchor: string
  readonly positive: string
  readonly negatives?: readonly string[]
}

export interface ReadPairsOptions {
  /** Which columns are what, where their names do not say it. */
  readonly columns?: PairColumns
  /** Takes only rows that have this in their columns, such as `{ label: 1 }`. */
  readonly where?: Where
  /** Leaves out lines that cannot be read, and tells each; otherwise the first one is thrown. */
  readonly onBadLine?: (line: number, reason: string) => void
  /** Told in the end what was read, and what was left out. */
  readonly onReport?: (report: PairsReport) => void
}

const readPairsKeys: OptionKeys<ReadPairsOptions> = { columns: true, where: true, onBadLine: true, onReport: true }
const columnKeys: OptionKeys<PairColumns> = { anchor: true, positive: true, negative: true, ignore: true }

/** What became of a file of pairs. */
export interface PairsReport {
  readonly file: string
  /** The columns that each was taken from, as the file names them. */
  readonly columns: ColumnsRead
  /** Rows of the file, those that were left out included. */
  readonly rows: number
  /** A row with several positives is several. */
  readonly pairs: number
  readonly leftOut: readonly LeftOut[]
}

/**
 * Reads a file of pairs (JSON lines, a JSON list, CSV, TSV; also packed as .gz), whatever usual names its columns have. `file-unreadable` where it is not
 * there, `invalid-input` for columns that are not known or that say more than pairs do, for a file without pairs, or for a broken line, with its number.
 */
export async function readPairs(file: string, options: ReadPairsOptions = {}): Promise<Pair[]> {
  checkOptionKeys('readPairs', options, readPairsKeys)
  const { columns = {}, where = {}, onBadLine, onReport } = options
  checkColumns(columns)
  checkWhere(where)
  const reader = createRowReader(file, { columns, where })
  const leftOut = createLeftOut()
  const pairs: Pair[] = []
  let rows = 0
  const leave = (reason: string, line: number, lines = 1) => {
    if (!onBadLine) {
      const remedy = reader.columns().anchor.length > 0 ? ' Correct it, or pass --skip-bad-lines (skipBadLines).' : ''
      throw new QontrastError('invalid-input', `${file}, line ${line}: ${reason}${remedy}`)
    }
    leftOut.add(reason, line, lines)
    onBadLine(line, reason)
  }
  const onLost = ({ line, lastLine, reason }: LostLines) => {
    const lines = lastLine - line + 1
    rows += lines
    leave(reason, line, lines)
  }
  for await (const { values, line } of readRows(file, { onLost, isHeader: headerTest(columns) })) {
    rows += 1
    const read = reader.read(values)
    if (typeof read === 'string') leave(read, line)
    else if (read === undefined) leftOut.add(`not ${whereText(where)}.`, line, 1)
    else pairs.push(...read)
  }
  const report = { file, columns: reader.columns(), rows, pairs: pairs.length, leftOut: leftOut.counts() }
  onReport?.(report)
  if (pairs.length === 0) throw withoutPairs(report)
  return pairs
}

/** Checks pairs that come from a program, under the same names as those of files. */
export function checkPairs(given: readonly Pair[]): readonly Pair[] {
  const reader = createRowReader('pairs')
  const pairs = given.flatMap((pair, i) => {
    const read = reader.read(Object.entries(pair ?? {}))
    if (typeof read === 'string') throw new QontrastError('invalid-input', `pairs[${i}]: ${read}`)
    return read ?? []
  })
  if (pairs.length === 0) throw new QontrastError('invalid-input', 'pairs is empty.')
  return pairs
}

function checkColumns(columns: PairColumns): void {
  checkOptionKeys('readPairs: columns', columns, columnKeys)
  const names: readonly unknown[] = Object.values(columns).flat()
  if (names.every((name) => typeof name === 'string' && name !== '')) return
  throw new QontrastError(
    'invalid-option',
    `columns: a name, or for all but anchor a list of names, is expected; got ${JSON.stringify(columns)}.`,
  )
}

/** Columns that are asked for by their positions say that no row names them, unless the first one has just these names. */
function headerTest(columns: PairColumns): (cells: readonly string[]) => boolean {
  const asked = Object.values(columns).flat()
  const byPosition = asked.length > 0 && asked.every((name) => /^[1-9]\d*$/.test(name))
  return (cells) => !byPosition || asked.every((name) => cells.includes(name))
}

function withoutPairs({ file, rows, leftOut }: PairsReport): QontrastError {
  const reasons = leftOut.slice(0, 3).map(({ reason, rows: left }) => `${left} left out: ${reason}`)
  const why = rows === 0 ? `Accepted columns: ${acceptedColumns}.` : reasons.join(' ')
  return new QontrastError('invalid-input', `${file} has no pairs in its ${rows} rows. ${why}`)
}
