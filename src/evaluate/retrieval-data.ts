import path from 'node:path'
import {
  checkOptionKeys,
  type OptionKeys,
  plainName,
  QontrastError,
  type ReadRowsOptions,
  readRows,
  rowExtensions,
} from '../shared/index.ts'
import { fileNamed } from './find-file.ts'
import { readJudgements } from './judgements.ts'
import type { Relevance } from './metrics.ts'

export interface RetrievalDocument {
  readonly title?: string
  readonly text: string
}

/** What is asked, and what is relevant to it. */
export interface RetrievalQueries {
  /** Texts by id. */
  readonly queries: ReadonlyMap<string, string>
  readonly relevance: Relevance
}

/** Documents by id, as they are indexed, and queries. */
export interface RetrievalData<Text extends string | RetrievalDocument = string | RetrievalDocument>
  extends RetrievalQueries {
  readonly documents: ReadonlyMap<string, Text>
}

export interface ReadRetrievalOptions {
  /** Which judgements: `qrels/test.tsv` of split `test`, the default. */
  readonly split?: string
  /** A file of judgements instead. */
  readonly qrels?: string
}

export const readRetrievalKeys: OptionKeys<ReadRetrievalOptions> = { split: true, qrels: true }

const judgementExtensions = ['.tsv', '.trec', '.qrels', '.qrel', '.txt', '.csv', '.jsonl']
const idNames = ['id', 'docid', 'documentid', 'corpusid', 'pid', 'passageid', 'qid', 'queryid', 'topicid', 'questionid']
const textNames = ['text', 'contents', 'content', 'body', 'passage', 'document', 'query', 'question']

/** Reads a folder in BEIR's form: corpus.jsonl, queries.jsonl, qrels/test.tsv, or tables instead. Only the queries that are judged are kept. */
export async function readRetrievalData(
  folder: string,
  options: ReadRetrievalOptions = {},
): Promise<RetrievalData<RetrievalDocument>> {
  const judged = await readRetrievalQueries(folder, options)
  const documents = new Map<string, RetrievalDocument>()
  const file = await wantedFile(folder, ['corpus', 'collection', 'documents'], 'corpus.jsonl')
  for await (const { id, title, text } of readTexts(file)) documents.set(id, title === '' ? { text } : { title, text })
  return { ...judged, documents }
}

/** Reads queries and judgements of such a folder alone, for documents that are in an index. */
export async function readRetrievalQueries(
  folder: string,
  options: ReadRetrievalOptions = {},
): Promise<RetrievalQueries> {
  checkOptionKeys('readRetrievalData', options, readRetrievalKeys)
  const { split = 'test', qrels } = options
  const relevance = await readJudgements(qrels ?? (await judgementFile(folder, split)))
  const queries = new Map<string, string>()
  const file = await wantedFile(folder, ['queries', 'topics'], 'queries.jsonl')
  for await (const { id, text, line } of readTexts(file)) {
    if (!relevance.has(id)) continue
    if (text.trim() === '') throw new QontrastError('invalid-input', `${file}, line ${line}: the query ${id} is empty.`)
    queries.set(id, text)
  }
  if (queries.size > 0) return { queries, relevance }
  const [judged = ''] = relevance.keys()
  throw new QontrastError(
    'invalid-input',
    `None of the ${relevance.size} judged queries (such as ${judged}) is in ${file}.`,
  )
}

async function judgementFile(folder: string, split: string): Promise<string> {
  const inFolder = await fileNamed(path.join(folder, 'qrels'), [split], judgementExtensions)
  return inFolder ?? wantedFile(folder, [`qrels.${split}`, 'qrels'], `qrels/${split}.tsv`, judgementExtensions)
}

async function wantedFile(
  folder: string,
  names: readonly string[],
  usual: string,
  extensions: readonly string[] = rowExtensions,
): Promise<string> {
  const file = await fileNamed(folder, names, extensions)
  if (file) return file
  throw new QontrastError('file-unreadable', `There is no ${path.join(folder, usual)} (also ${extensions.join(', ')}).`)
}

interface TextRow {
  readonly id: string
  readonly title: string
  readonly text: string
  readonly line: number
}

/** Rows of id, text and maybe title by their names; a table of two columns without names is ids and texts. */
async function* readTexts(file: string): AsyncGenerator<TextRow, void, undefined> {
  const lines = new Map<string, number>()
  const fail = (line: number, reason: string) => new QontrastError('invalid-input', `${file}, line ${line}: ${reason}`)
  const onLost: ReadRowsOptions['onLost'] = ({ line, reason }) => {
    throw fail(line, reason)
  }
  const isHeader = (cells: readonly string[]) => cells.length !== 2 || columnsOf(cells) !== undefined
  for await (const { values, line } of readRows(file, { onLost, isHeader })) {
    const names = values.map(([name]) => name)
    const places = columnsOf(names) ?? (names.join() === '1,2' ? { id: 0, text: 1, title: -1 } : undefined)
    if (!places) throw fail(line, `expected the columns _id and text, and maybe title; got ${names.join(', ')}.`)
    const [id, text, title] = [places.id, places.text, places.title].map((at) => values[at]?.[1])
    if (!isId(id)) throw fail(line, `expected an id in '${names[places.id]}'; got ${JSON.stringify(id)}.`)
    if (typeof text !== 'string') throw fail(line, `expected a text in '${names[places.text]}'.`)
    const key = String(id)
    const before = lines.get(key)
    if (before !== undefined) throw fail(line, `the id ${key} was on line ${before} before.`)
    lines.set(key, line)
    yield { id: key, text, title: typeof title === 'string' ? title.trim() : '', line }
  }
}

function columnsOf(names: readonly string[]): { id: number; text: number; title: number } | undefined {
  const plain = names.map(plainName)
  const placeOf = (known: readonly string[]) => {
    const name = known.find((one) => plain.includes(one))
    return name === undefined ? -1 : plain.indexOf(name)
  }
  const places = { id: placeOf(idNames), text: placeOf(textNames), title: placeOf(['title']) }
  return places.id >= 0 && places.text >= 0 ? places : undefined
}

function isId(value: unknown): value is string | number {
  return typeof value === 'number' || (typeof value === 'string' && value !== '')
}
