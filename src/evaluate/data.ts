import { createReadStream, existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse'
import { z } from 'zod'
import { linesOf, messageOf, parseJson, QontrastError } from '../shared/index.ts'
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
  for (const [query = '', document = '', relevanceText = ''] of await readTable(
    path.join(folder, 'qrels', `${split}.tsv`),
    '\t',
  )) {
    const value = Number(relevanceText)
    if (!Number.isFinite(value)) continue // the header
    const judged = relevance.get(query) ?? new Map<string, number>()
    relevance.set(query, judged.set(document, value))
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
  const rows = await readTable(file, ',')
  const pairs = rows.map(([first = '', second = '', score = '']) => ({ first, second, score: Number(score) }))
  const scored = pairs.filter(({ score }) => Number.isFinite(score))
  if (scored.length < 2) throw unusable(file, 'sentence1, sentence2, score')
  return { pairs: scored }
}

/** Reads train.csv and test.csv of a folder: a text and its category, with a header. */
export async function readLabelledData(folder: string): Promise<LabelledData> {
  const read = async (name: string) => {
    const [header = [], ...rows] = await readTable(path.join(folder, name), ',')
    const column = (names: readonly string[], otherwise: number) => {
      const found = header.findIndex((title) => names.includes(title.trim().toLowerCase()))
      return found < 0 ? otherwise : found
    }
    const text = column(['text', 'sentence', 'query'], 0)
    const label = column(['category', 'label', 'intent'], 1)
    return rows.map((row) => ({ text: row[text] ?? '', label: row[label] ?? '' }))
  }
  const data = { train: await read('train.csv'), test: await read('test.csv') }
  if (data.train.length === 0 || data.test.length === 0)
    throw unusable(folder, 'text, category in train.csv and test.csv')
  return data
}

async function* readJsonLines<T>(file: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  let number = 0
  for await (const line of linesOf(openFile(file).setEncoding('utf8'))) {
    number += 1
    if (line.trim() === '') continue
    try {
      yield schema.parse(parseJson(line))
    } catch (cause) {
      throw new QontrastError('invalid-input', `${file}, line ${number}: ${messageOf(cause)}`, { cause })
    }
  }
}

async function readTable(file: string, delimiter: string): Promise<string[][]> {
  const rows: string[][] = []
  const quote = delimiter === '\t' ? null : '"'
  for await (const row of openFile(file).pipe(parse({ delimiter, quote, relax_column_count: true, bom: true })))
    rows.push(row)
  return rows
}

function openFile(file: string) {
  if (!existsSync(file)) throw new QontrastError('file-unreadable', `There is no ${file}.`)
  return createReadStream(file)
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
