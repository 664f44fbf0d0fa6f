import { type ColumnType, createColumnEvidence } from './column-types.ts'
import { type LostLines, parseRows, separatorLine, type TableForm, type TableRow } from './parse-rows.ts'

/** A table whose form was found out: what separates its cells, whether they are quoted, and what its columns hold. */
export interface Table {
  readonly form: TableForm
  /** The first row, each name once: a second `note` is `note_2`, the third column without a name `column_3`. Empty for an empty file. */
  readonly columns: readonly string[]
  /** Of each column, by all its cells but the first. */
  readonly types: readonly ColumnType[]
  /** The rows after the first, all as wide as it. Lines that are no row are told, never taken into another. */
  rows(onLost: (lost: LostLines) => void, pieces?: AsyncIterable<string>): AsyncGenerator<TableRow, void, undefined>
  readonly first: TableRow | undefined
}

const delimiters = [',', ';', '\t', '|']
/** For a table of one column: stands in no text. */
const none = '\u001f'
const sampleCharacters = 65_536

/**
 * Opens a table that can be read more than once. Its form is the one that makes most of a sample rows of one width; where some line of the
 * file is none in it, or only some have cells past the last column, the other ways of quoting are tried on the whole file. `tabs` says that
 * the file's name promises tabs.
 */
export async function openTable(open: () => AsyncIterable<string>, { tabs = false } = {}): Promise<Table> {
  const sample = await takeSample(open())
  const sniffed = await sniff(sample, tabs)
  let best = await survey(open(), sniffed)
  if (best.lost > 0 || (best.spare > 0 && best.spare < best.rows)) {
    for (const form of quotings(sniffed.delimiter, { tabs, sample })) {
      const other = await survey(open(), form, { mostLost: best.lost })
      if (other.first && isBetter(other, best)) best = other
    }
  }
  const { form, first, types } = best
  const width = first?.cells.length ?? 0
  return {
    form,
    columns: namesOf(first?.cells ?? []),
    types,
    first,
    async *rows(onLost, pieces = open()) {
      let header = true
      for await (const row of parseRows(pieces, form, onLost)) {
        const even = header ? undefined : evened(row, width)
        if (header) header = false
        else if (even) yield even
        else onLost({ ...row, reason: `expected ${width} cells, as the first row has; got ${row.cells.length}.` })
      }
    },
  }
}

interface Survey {
  readonly form: TableForm
  readonly first: TableRow | undefined
  readonly types: readonly ColumnType[]
  readonly rows: number
  /** Lines that are no row. */
  readonly lost: number
  readonly loose: number
  /** Rows with empty cells past the last column. */
  readonly spare: number
}

async function survey(pieces: AsyncIterable<string>, form: TableForm, { mostLost = Infinity } = {}) {
  let first: TableRow | undefined
  let [rows, lost, loose, spare] = [0, 0, 0, 0]
  const lose = ({ line, lastLine }: Pick<LostLines, 'line' | 'lastLine'>) => {
    lost += lastLine - line + 1
  }
  const suspicious = form.delimiter === '\t' ? looksQuoted : beginsWithQuote
  const evidence = []
  for await (const row of parseRows(pieces, form, lose)) {
    if (row.loose || (!form.quoted && row.cells.some(suspicious))) loose += 1
    if (!first) {
      first = row
      evidence.push(...row.cells.map(() => createColumnEvidence({ commas: form.delimiter !== ',' })))
      continue
    }
    const even = evened(row, first.cells.length)
    if (!even) {
      lose(row)
      continue
    }
    rows += 1
    if (even !== row) spare += 1
    for (const [i, column] of evidence.entries()) column.add(even.cells[i] ?? '')
    if (lost > mostLost) break
  }
  return { form, first, types: evidence.map((column) => column.type()), rows, lost, loose, spare } satisfies Survey
}

async function sniff(sample: string, tabs: boolean): Promise<TableForm> {
  const named = separatorLine.exec(sample)?.[1]
  const [header = ''] = /^.*\S.*$/m.exec(sample) ?? []
  const likely = tabs ? ['\t', ',', ';', '|'] : delimiters
  const candidates = named ? [named] : likely.filter((delimiter) => header.includes(delimiter))
  const surveys: Survey[] = []
  for (const delimiter of candidates)
    for (const form of quotings(delimiter, { tabs, sample })) surveys.push(await survey(one(sample), form))
  const wide = surveys.filter(({ first }) => (first?.cells.length ?? 0) > 1)
  const [begin, ...others] = wide
  if (begin) return others.reduce((best, other) => (isBetter(other, best) ? other : best), begin).form
  const narrow: Survey[] = []
  for (const form of quotings(named ?? none, { tabs, sample })) narrow.push(await survey(one(sample), form))
  const best = narrow.reduce((before, other) => (isBetter(other, before) ? other : before))
  return best.form
}

/** Ways of quoting, the likeliest first: of equal ones the first is taken. */
function quotings(delimiter: string, { tabs, sample }: { tabs: boolean; sample: string }): TableForm[] {
  const plain: TableForm = { delimiter, quoted: false, escaping: '"', trimmed: false }
  const quoted: TableForm = { ...plain, quoted: true }
  const likely = tabs || delimiter === '\t' ? [plain, quoted] : [quoted, plain]
  return [
    ...likely,
    ...(sample.includes(`${delimiter} "`) ? [{ ...quoted, trimmed: true }] : []),
    ...(sample.includes('\\"') ? [{ ...quoted, escaping: '\\' } as const] : []),
  ]
}

function isBetter(one: Survey, other: Survey): boolean {
  const [a, b] = [badness(one), badness(other)]
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0)
}

/**
 * The shares of lines that are no row, of rows with spare cells and of rows with a cell quoted otherwise; then fewer columns, fewer rows.
 */
function badness({ rows, lost, loose, spare, first }: Survey): number[] {
  return [
    lost / Math.max(1, rows + lost),
    spare / Math.max(1, rows),
    loose / Math.max(1, rows),
    -(first?.cells.length ?? 0),
    -rows,
  ]
}

/** A row of a width: empty cells past the last column are none. Undefined for a row of another width. */
function evened(row: TableRow, width: number): TableRow | undefined {
  const { cells } = row
  if (cells.length === width) return row
  if (cells.length < width || cells.slice(width).some((cell) => cell.trim() !== '')) return undefined
  return { ...row, cells: cells.slice(0, width) }
}

function looksQuoted(cell: string): boolean {
  return cell.length > 1 && cell.startsWith('"') && cell.endsWith('"')
}

/** Tables with tabs have bare quotes in the world; elsewhere a cell that begins with one is quoted, over lines maybe. */
function beginsWithQuote(cell: string): boolean {
  return cell.startsWith('"')
}

function namesOf(cells: readonly string[]): string[] {
  const names: string[] = []
  for (const [i, cell] of cells.entries()) {
    const name = cell.trim() || `column_${i + 1}`
    let unique = name
    for (let n = 2; names.includes(unique); n++) unique = `${name}_${n}`
    names.push(unique)
  }
  return names
}

/** The beginning of a table up to the end of a line, or all of it. */
async function takeSample(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) {
    text += piece
    if (text.length > sampleCharacters) return text.slice(0, text.lastIndexOf('\n') + 1) || text
  }
  return text
}

async function* one(text: string): AsyncGenerator<string> {
  yield text
}
