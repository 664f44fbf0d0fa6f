import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { linesOf, messageOf, openTable, parseJson, QontrastError, type TableRow, textPieces } from '../shared/index.ts'
import type { Relevance } from './metrics.ts'

/** Texts by id; a document's text has its title in front. */
export interface RetrievalData {
  readonly documents: ReadonlyMap<string, string>
  readonly queries: ReadonlyMap<string, string>
  readonly relevance: Relevance
}
export interface SimilarityData {
  readonly pairs: readonly { readonly first: string; readonly second: string; readonly score: number }[]
}
export interface LabelledData {
  readonly train: readonly Labelled[]
  readonly test: readonly Labelled[]
}
export interface Labelled {
  readonly text: string
  readonly label: string
}

const id = z.union([z.string().min(1), z.number().transform(String)])
const corpusLine = z.looseObject({ _id: id, title: z.string().optional(), text: z.string() })
const queryLine = z.looseObject({ _id: id, text: z.string() })

/** Reads a folder in BEIR's form: corpus.jsonl, queries.jsonl, qrels/test.tsv. Only the queries that are judged are kept. */
export async function readRetrievalData(folder: string, split = 'test'): Promise<RetrievalData> {
  const relevance = new Map<string, Map<string, number>>()
  const judgements = path.join(folder, 'qrels', `${split}.tsv`)
  const { rows } = await readScored(judgements, 2)
  for (const { cells, score } of rows) {
    const [query = '', document = ''] = cells
    const judged = relevance.get(query) ?? new Map<string, number>()
    relevance.set(query, judged.set(document, score))
  }
  const documents = new Map<string, string>()
  for await (const { _id, title, text } of readJsonLines(path.join(folder, 'corpus.jsonl'), corpusLine)) {
    documents.set(_id, title ? `${title} ${text}` : text)
  }
  const queries = new Map<string, string>()
  for await (const { _id, text } of readJsonLines(path.join(folder, 'queries.jsonl'), queryLine)) {
    if (relevance.has(_id)) queries.set(_id, text)
  }
  return { documents, queries, relevance }
}

/** Reads sentence pairs with a score from a CSV file, with or without a header, or from the first one in a folder that is named for testing. */
export async function readSimilarityData(place: string): Promise<SimilarityData> {
  const file = place.endsWith('.csv') ? place : await fileNamed(place, ['test.csv', 'stsb-en-test.csv'], /test.*\.csv$/)
  const { header, rows } = await readScored(file, 2)
  const [first, second] = [columnOf(header, /^(sentence|text)_?1$/, 0), columnOf(header, /^(sentence|text)_?2$/, 1)]
  const pairs = rows.map(({ cells, score }) => ({ first: cells[first] ?? '', second: cells[second] ?? '', score }))
  if (pairs.length < 2) throw unusable(file, 'sentence1, sentence2, score')
  return { pairs }
}

/** Reads train.csv and test.csv of a folder: a text and its category, with a header. */
export async function readLabelledData(folder: string): Promise<LabelledData> {
  const read = async (name: string) => {
    const [header, ...rows] = await readTable(path.join(folder, name))
    const text = columnOf(header?.cells, /^(text|sentence|query)$/, 0)
    const label = columnOf(header?.cells, /^(category|label|intent)$/, 1)
    return rows.map(({ cells }) => ({ text: cells[text] ?? '', label: cells[label] ?? '' }))
  }
  const data = { train: await read('train.csv'), test: await read('test.csv') }
  if (data.train.length === 0 || data.test.length === 0)
    throw unusable(folder, 'text, category in train.csv and test.csv')
  return data
}

async function* readJsonLines<T>(file: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  let number = 0
  for await (const line of linesOf(openFile(file))) {
    number += 1
    if (line.trim() === '') continue
    try {
      yield schema.parse(parseJson(line))
    } catch (cause) {
      throw new QontrastError('invalid-input', `${file}, line ${number}: ${messageOf(cause)}`, { cause })
    }
  }
}

/** Rows with a number in a column, named `score` or, without such a header, the one at a place. */
async function readScored(file: string, place: number) {
  const [first, ...others] = await readTable(file)
  const scoreOf = (cells: readonly string[], column: number) => Number(cells[column]?.trim() || Number.NaN)
  const hasHeader = first !== undefined && Number.isNaN(scoreOf(first.cells, place))
  const column = columnOf(hasHeader ? first.cells : undefined, /^(score|label|relevance|similarity_score)$/, place)
  const rows = (first && !hasHeader ? [first, ...others] : others).map(({ cells, line }) => {
    const score = scoreOf(cells, column)
    if (Number.isFinite(score)) return { cells, score }
    const given = JSON.stringify(cells[column] ?? '')
    throw new QontrastError(
      'invalid-input',
      `${file}, line ${line}: expected a number in column ${column + 1}; got ${given}.`,
    )
  })
  return { header: hasHeader ? first.cells : undefined, rows }
}

function columnOf(header: readonly string[] | undefined, name: RegExp, otherwise: number): number {
  const found = header?.findIndex((title) => name.test(title.trim().toLowerCase())) ?? -1
  return found < 0 ? otherwise : found
}

/** All rows of a table, the first one included; `invalid-input` names a line that is none. */
async function readTable(file: string): Promise<readonly TableRow[]> {
  const refuse = ({ line, reason }: { line: number; reason: string }) => {
    throw new QontrastError('invalid-input', `${file}, line ${line}: ${reason}`)
  }
  const table = await openTable(() => openFile(file), { tabs: file.endsWith('.tsv') })
  const rows = await Array.fromAsync(table.rows(refuse))
  return table.first ? [table.first, ...rows] : rows
}

function openFile(file: string) {
  if (!existsSync(file)) throw new QontrastError('file-unreadable', `There is no ${file}.`)
  return textPieces(file)
}

async function fileNamed(folder: string, names: readonly string[], pattern: RegExp): Promise<string> {
  const entries = (await readdir(folder).catch(() => [])).sort()
  const name = names.find((candidate) => entries.includes(candidate)) ?? entries.find((entry) => pattern.test(entry))
  if (name) return path.join(folder, name)
  throw new QontrastError('file-unreadable', `${folder} has no ${names.join(' or ')}.`)
}

function unusable(place: string, columns: string): QontrastError {
  return new QontrastError('invalid-input', `${place} holds no rows of the form ${columns}.`)
}
