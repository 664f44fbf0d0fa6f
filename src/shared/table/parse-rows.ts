import { pipeline, Readable } from 'node:stream'
import { type CsvError, parse } from 'csv-parse'

/** How a table is written. */
export interface TableForm {
  readonly delimiter: string
  /** Whether `"` around a cell are its quotes, or characters of it. */
  readonly quoted: boolean
  /** What stands before a quote inside of a quoted cell. */
  readonly escaping: '"' | '\\'
  /** Whether blanks before a cell are none of it, as in `1, "two"`. */
  readonly trimmed: boolean
}

export interface TableRow {
  readonly cells: readonly string[]
  /** The lines of the file on which it begins and ends, counted from 1. */
  readonly line: number
  readonly lastLine: number
  /**
   * A cell begins with a quote, maybe after blanks, and does not end with it, or the other way round: read as it stands, but the form may
   * be another.
   */
  readonly loose: boolean
}

/** Lines that are no row, and why. */
export interface LostLines {
  readonly line: number
  readonly lastLine: number
  readonly reason: string
}

const longestRow = 16_000_000
/** What a quote that is never closed ends with: the error names the line where parsing gave up, not the one where it opens. */
const openQuote: readonly string[] = ['CSV_QUOTE_NOT_CLOSED', 'CSV_MAX_RECORD_SIZE']

/** The rows of a table, without its blank lines; `\n`, `\r\n` and `\r` end lines alike, and are `\n` in cells. */
export async function* parseRows(
  pieces: AsyncIterable<string>,
  { delimiter, quoted, escaping, trimmed }: TableForm,
  onLost: (lost: LostLines) => void,
): AsyncGenerator<TableRow, void, undefined> {
  const state = { skipped: 0, last: 0 }
  const lost: LostLines[] = [] // told between two rows, so that what is thrown there reaches the caller
  const parser = parse({
    delimiter,
    quote: quoted ? '"' : null,
    escape: quoted ? escaping : null,
    ltrim: trimmed,
    record_delimiter: '\n',
    info: true,
    on_record: (cells: string[], { lines }) => {
      state.last = lines + state.skipped
      return cells
    },
    raw: quoted,
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: longestRow,
  })
  parser.on('skip', (error: CsvError & { lines?: number }) => {
    const line = state.last + 1
    state.last = Math.max(line, (error.lines ?? 0) + state.skipped)
    const reason = openQuote.includes(error.code) ? 'a quote opens here that is never closed.' : error.message
    lost.push({ line, lastLine: state.last, reason })
  })
  pipeline(Readable.from(normalized(pieces, state)), parser, () => {}) // an error reaches the loop through the parser
  const parsed: AsyncIterable<Parsed> = parser
  for await (const { record: cells, info, raw = '' } of parsed) {
    for (const each of lost.splice(0)) onLost(each)
    const lastLine = info.lines + state.skipped
    const line = lastLine - cells.reduce((sum, cell) => sum + breaksIn(cell), 0)
    const loose = quoted && (isLoose(cells, raw, { delimiter, escaping }) || hasBlankBeforeQuote(cells, raw, delimiter))
    if (loose && cells.some((cell) => cell.startsWith('"') && cell.includes('\n'))) {
      const reason = `a quote opens here that is not closed before line ${lastLine}: these lines are left out.`
      onLost({ line, lastLine, reason })
    } else if (cells.some((cell) => cell.trim() !== '')) yield { cells, line, lastLine, loose }
  }
  for (const each of lost.splice(0)) onLost(each)
}

interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
  readonly raw?: string
}

/** One line end, no byte order mark, and without the line `sep=;` that Excel reads. */
async function* normalized(pieces: AsyncIterable<string>, state: { skipped: number }): AsyncGenerator<string> {
  let held = ''
  let begun = false
  for await (const piece of pieces) {
    held += piece
    if (!begun && held.length < 16) continue
    const end = held.endsWith('\r') ? held.length - 1 : held.length
    yield lineEnds(begun ? held.slice(0, end) : begin(held.slice(0, end), state))
    begun = true
    held = held.slice(end)
  }
  yield lineEnds(begun ? held : begin(held, state))
}

/** The line that says the delimiter of an Excel file. */
export const separatorLine = /^\uFEFF?sep=(.)(?:\r\n|\r|\n)/i

function begin(text: string, state: { skipped: number }): string {
  const rest = text.replace(separatorLine, '')
  if (rest.length < text.length) state.skipped = 1
  return rest.replace(/^\uFEFF/, '')
}

function lineEnds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

/**
 * Whether a quoted cell was not closed as it should. The parser then gives it with its opening quote, which a cell can have otherwise only
 * where that is escaped.
 */
function isLoose(
  cells: readonly string[],
  raw: string,
  { delimiter, escaping }: Pick<TableForm, 'delimiter' | 'escaping'>,
): boolean {
  const opened = cells.filter((cell) => cell.startsWith('"')).length
  if (opened === 0) return false
  const escaped = `"${escaping}"`
  const proper = raw.split(`${delimiter}${escaped}`).length - 1 + (raw.trimStart().startsWith(escaped) ? 1 : 0)
  return proper < opened
}

/** Whether a cell begins as ` "two"` does, outside of quotes. */
function hasBlankBeforeQuote(cells: readonly string[], raw: string, delimiter: string): boolean {
  return cells.some((cell) => /^ +"/.test(cell) && raw.includes(`${delimiter}${cell.slice(0, cell.indexOf('"') + 1)}`))
}

function breaksIn(cell: string): number {
  let breaks = 0
  for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) breaks += 1
  return breaks
}
