import {
  checkOptionKeys,
  linesOf,
  messageOf,
  type OptionKeys,
  openTable,
  parseJson,
  QontrastError,
  systemCodeOf,
  utf8Pieces,
} from '../../shared/index.ts'

/** Two texts that belong together, and texts that do not belong to the anchor although they look like it. */
export interface Pair {
  readonly anchor: string
  readonly positive: string
  readonly negatives?: readonly string[]
}

export interface ReadPairsOptions {
  /** Leaves out lines that cannot be read, and tells each; otherwise the first one is thrown. */
  readonly onBadLine?: (line: number, reason: string) => void
}

const readPairsKeys: OptionKeys<ReadPairsOptions> = { onBadLine: true }

/** Names that columns go by: this package's own, BGE's and sentence-transformers'. */
const columnNames = {
  anchor: ['anchor', 'query', 'sentence1'],
  positive: ['positive', 'pos', 'sentence2'],
  negative: /^(negatives?|neg)([_-]?\d+)?$/,
}
const accepted = 'anchor, positive, negative*; query, pos, neg; or sentence1, sentence2'

/**
 * Reads a JSONL or CSV file of pairs. `file-unreadable` where it is not there, `invalid-input` for wrong columns (what was found, what is accepted),
 * an empty file, or a broken line, with its number.
 */
export async function readPairs(file: string, options: ReadPairsOptions = {}): Promise<Pair[]> {
  checkOptionKeys('readPairs', options, readPairsKeys)
  const { onBadLine } = options
  const pairs: Pair[] = []
  const bad = (line: number, reason: string) => {
    if (!onBadLine) {
      throw new QontrastError(
        'invalid-input',
        `${file}, line ${line}: ${reason} Correct it, or pass --skip-bad-lines (skipBadLines).`,
      )
    }
    onBadLine(line, reason)
  }
  let _columns: string | undefined
  const take = (row: unknown, line: number) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return bad(line, 'it is no object.')
    _columns ??= checkColumns(file, Object.keys(row))
    const pair = pairOf(new Map(Object.entries(row)))
    if (typeof pair === 'string') bad(line, pair)
    else pairs.push(pair)
  }
  try {
    if (isTable(file, '.csv', '.tsv')) await readTable(file, take, bad)
    else await readJsonLines(file, take, bad)
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
    throw new QontrastError('file-unreadable', `There is no file of pairs at '${file}'.`, { cause: error })
  }
  if (pairs.length === 0)
    throw new QontrastError('invalid-input', `${file} has no pairs. Each line is one: ${accepted}.`)
  return pairs
}

/** Checks pairs that come from a program. */
export function checkPairs(pairs: readonly Pair[]): readonly Pair[] {
  for (const [i, pair] of pairs.entries()) {
    const problem = pairOf(new Map(Object.entries(pair)))
    if (typeof problem === 'string') throw new QontrastError('invalid-input', `pairs[${i}]: ${problem}`)
  }
  if (pairs.length === 0) throw new QontrastError('invalid-input', 'pairs is empty.')
  return pairs
}

async function readJsonLines(
  file: string,
  take: (row: unknown, line: number) => void,
  bad: (line: number, reason: string) => void,
): Promise<void> {
  let number = 0
  for await (const line of linesOf(utf8Pieces(file))) {
    number += 1
    if (line.trim() === '') continue
    let row: unknown
    try {
      row = parseJson(number === 1 ? line.replace(/^\uFEFF/, '') : line)
    } catch (error) {
      bad(number, `${messageOf(error)}.`)
      continue
    }
    take(row, number)
  }
}

async function readTable(
  file: string,
  take: (row: unknown, line: number) => void,
  bad: (line: number, reason: string) => void,
): Promise<void> {
  const table = await openTable(() => utf8Pieces(file), { tabs: isTable(file, '.tsv') })
  for await (const { cells, line } of table.rows((lost) => bad(lost.line, lost.reason)))
    take(Object.fromEntries(table.columns.map((name, i) => [name, cells[i] ?? ''])), line)
}

function isTable(file: string, ...extensions: readonly string[]): boolean {
  return extensions.some((extension) => file.toLowerCase().endsWith(extension))
}

function checkColumns(file: string, names: readonly string[]): string {
  const has = (known: readonly string[]) => names.some((name) => known.includes(name))
  if (has(columnNames.anchor) && has(columnNames.positive)) return names.join(', ')
  throw new QontrastError(
    'invalid-input',
    `${file} has the column${names.length === 1 ? '' : 's'} ${names.join(', ') || 'none'}. Accepted: ${accepted}.`,
  )
}

/** A pair, or what is wrong with it. */
function pairOf(row: ReadonlyMap<string, unknown>): Pair | string {
  const value = (names: readonly string[]) => {
    const name = names.find((one) => row.has(one))
    const found = name === undefined ? undefined : row.get(name)
    return Array.isArray(found) && found.length > 0 ? found[0] : found
  }
  const [anchor, positive] = [value(columnNames.anchor), value(columnNames.positive)]
  if (typeof anchor !== 'string' || anchor.trim() === '') return 'its anchor is empty or no text.'
  if (typeof positive !== 'string' || positive.trim() === '') return 'its positive is empty or no text.'
  const negatives = [...row].flatMap(([name, given]) => (columnNames.negative.test(name) ? [given].flat() : []))
  const texts = negatives.filter((text): text is string => typeof text === 'string' && text.trim() !== '')
  if (texts.length < negatives.filter((text) => text !== '' && text !== null && text !== undefined).length)
    return 'a negative is no text.'
  return { anchor, positive, ...(texts.length > 0 ? { negatives: texts } : {}) }
}
