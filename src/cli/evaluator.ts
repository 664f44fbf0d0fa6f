import {
  type EvaluationTask,
  type Evaluator,
  knnEvaluator,
  readLabelledData,
  readRetrievalData,
  readSimilarityData,
  similarityEvaluator,
} from '../evaluate/index.ts'
import { type RetrievalOptions, retrievalEvaluator, type SearchEvaluation } from '../index/index.ts'
import { count, number } from './progress-line.ts'

/** What is measured, and on what. */
export interface EvaluationPlace {
  readonly task: EvaluationTask
  readonly data: string
  readonly split?: string
  readonly qrels?: string
  readonly columns?: Readonly<Record<string, string>>
}

type Open = (place: EvaluationPlace, retrieval: RetrievalOptions) => Promise<Evaluator>

const openers: Readonly<Record<EvaluationTask, Open>> = {
  retrieval: async ({ data, split, qrels }, retrieval) =>
    retrievalEvaluator(
      await readRetrievalData(data, { ...(split ? { split } : {}), ...(qrels ? { qrels } : {}) }),
      retrieval,
    ),
  similarity: async ({ data, ...options }) => similarityEvaluator(await readSimilarityData(data, readOptions(options))),
  knn: async ({ data, ...options }) => knnEvaluator(await readLabelledData(data, readOptions(options))),
}

/** Reads data, and measures by it what the data is for. */
export function openEvaluator(place: EvaluationPlace, retrieval: RetrievalOptions = {}): Promise<Evaluator> {
  return openers[place.task](place, retrieval)
}

function readOptions({ split, columns }: Pick<EvaluationPlace, 'split' | 'columns'>) {
  return { ...(split ? { split } : {}), ...(columns ? { columns } : {}) }
}

export interface RetrievalNotes {
  readonly documents: number
  readonly chunks?: number
  readonly leftOut?: number
}

/** What was measured, and what to know of the data, for people. */
export function retrievalNotes(report: SearchEvaluation & RetrievalNotes): string[] {
  const {
    mode,
    queries,
    documents,
    chunks,
    leftOut = 0,
    withoutRelevant,
    unknownQueries,
    unknownDocuments,
    ownIds,
  } = report
  const cut = chunks === undefined ? '' : ` in ${count(chunks, 'chunk')}`
  const notes: readonly (readonly [number, string])[] = [
    [leftOut, 'documents have no text and are left out'],
    [withoutRelevant, 'queries have nothing relevant: they count as 0'],
    [unknownQueries.length, `judged queries have no text and do not count (${some(unknownQueries)})`],
    [unknownDocuments.length, `relevant documents are not there and count as not found (${some(unknownDocuments)})`],
    [ownIds, 'queries have a relevant document of their own id, which BEIR leaves out: --own-ids counts it'],
  ]
  return [
    `mode ${mode ?? 'unknown'}: ${count(queries, 'query').replace('querys', 'queries')}, ${count(documents, 'document')}${cut}`,
    ...notes.flatMap(([many, what]) => (many > 0 ? [`warning: ${number(many)} ${what}.`] : [])),
  ]
}

function some(ids: readonly string[]): string {
  return ids.length > 3 ? `${ids.slice(0, 3).join(', ')}, …` : ids.join(', ')
}
