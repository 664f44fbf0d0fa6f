import { linesOf, plainName, QontrastError, type ReadRowsOptions, readRows, textPieces } from '../shared/index.ts'
import type { Relevance } from './metrics.ts'

const columnNames = {
  query: ['queryid', 'qid', 'query', 'topic', 'topicid', 'questionid'],
  document: ['corpusid', 'docid', 'documentid', 'docno', 'doc', 'document', 'pid', 'passageid', 'did'],
  score: ['score', 'relevance', 'rel', 'label', 'grade', 'judgment', 'judgement', 'gain'],
} as const
/** Columns of a file without a header, by how many there are: BEIR's three, and TREC's four with an iteration in between. */
const unnamed: Readonly<Record<number, Places>> = {
  3: { query: 0, document: 1, score: 2 },
  4: { query: 0, document: 2, score: 3 },
}
const separators = ['\t', /\s+/, ',', ';']

interface Places {
  readonly query: number
  readonly document: number
  readonly score: number
}

interface Cells {
  readonly cells: readonly string[]
  readonly line: number
}

/**
 * Reads which documents are relevant to which query: BEIR's table (query-id, corpus-id, score), TREC's four columns (query, iteration, document,
 * relevance), or a file of rows with such columns. `invalid-input` with the line for what has no number, or judges a document twice otherwise.
 */
export async function readJudgements(file: string): Promise<Relevance> {
  const relevance = new Map<string, Map<string, number>>()
  let places: Places | undefined
  let width = 0
  for await (const { cells, line } of cellsOf(file)) {
    if (!places) {
      width = cells.length
      places = namedPlaces(cells)
      if (places) continue
      places = unnamedPlaces(file, cells)
    }
    if (cells.length !== width)
      throw broken(file, line, `expected ${width} columns, as the first line has; got ${cells.length}.`)
    const [query = '', document = '', given = ''] = [places.query, places.document, places.score].map((at) => cells[at])
    const score = given === '' ? Number.NaN : Number(given)
    if (query === '' || document === '') throw broken(file, line, 'the id of the query or document is empty.')
    if (!Number.isFinite(score))
      throw broken(file, line, `expected a number as relevance; got ${JSON.stringify(given)}.`)
    const judged = relevance.get(query) ?? new Map<string, number>()
    const before = judged.get(document)
    if (before !== undefined && before !== score)
      throw broken(
        file,
        line,
        `query ${query} and document ${document} were judged before, with ${before}; got ${score}.`,
      )
    relevance.set(query, judged.set(document, score))
  }
  if (relevance.size === 0) throw new QontrastError('invalid-input', `${file} judges nothing.`)
  return relevance
}

async function* cellsOf(file: string): AsyncGenerator<Cells, void, undefined> {
  if (/\.(?:jsonl|ndjson|json|csv)(?:\.gz)?$/i.test(file)) {
    yield* cellsOfRows(file)
    return
  }
  let separator: string | RegExp | undefined
  let line = 0
  for await (const text of linesOf(textPieces(file))) {
    line += 1
    if (text.trim() === '') continue
    separator ??= separators.find((one) => split(text, one).length > 2) ?? '\t'
    yield { cells: split(text, separator), line }
  }
}

/** A line less its end, and cells less their quotes; white space around a line is none of TREC's columns. */
function split(text: string, separator: string | RegExp): string[] {
  const line = separator === '\t' ? text.replace(/\r$/, '') : text.trim()
  return line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
}

/** Rows with named columns as cells in one order, the names before them. */
async function* cellsOfRows(file: string): AsyncGenerator<Cells, void, undefined> {
  const onLost: ReadRowsOptions['onLost'] = ({ line, reason }) => {
    throw broken(file, line, reason)
  }
  let names: readonly string[] | undefined
  const isHeader = (cells: readonly string[]) => namedPlaces(cells) !== undefined || !unnamed[cells.length]
  for await (const { values, line } of readRows(file, { onLost, isHeader })) {
    if (!names) {
      names = values.map(([name]) => name)
      if (!names.every((name, i) => name === String(i + 1))) yield { cells: names, line }
    }
    const byName = new Map(values)
    yield { cells: names.map((name) => String(byName.get(name) ?? '').trim()), line }
  }
}

function namedPlaces(cells: readonly string[]): Places | undefined {
  const plain = cells.map(plainName)
  const placeOf = (known: readonly string[]) => plain.findIndex((name) => known.includes(name))
  const places = {
    query: placeOf(columnNames.query),
    document: placeOf(columnNames.document),
    score: placeOf(columnNames.score),
  }
  return Object.values(places).every((place) => place >= 0) ? places : undefined
}

function unnamedPlaces(file: string, cells: readonly string[]): Places {
  const places = unnamed[cells.length]
  const last = cells.at(-1) ?? ''
  if (places && (last === '' || Number.isFinite(Number(last)))) return places
  throw new QontrastError(
    'invalid-input',
    `${file} begins with the columns ${cells.slice(0, 10).join(', ')}. Expected are query-id, corpus-id and score (BEIR), with or without these names, or the four of TREC: query, iteration, document, relevance.`,
  )
}

function broken(file: string, line: number, reason: string): QontrastError {
  return new QontrastError('invalid-input', `${file}, line ${line}: ${reason}`)
}
