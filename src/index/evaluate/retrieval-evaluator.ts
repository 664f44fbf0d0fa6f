import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  defaultMeasures,
  describeEvaluator,
  type Evaluator,
  type Measure,
  measureOf,
  type RetrievalData,
} from '../../evaluate/index.ts'
import { checkOptionKeys, type Document, type OptionKeys, throwIfAborted } from '../../shared/index.ts'
import { openIndex } from '../search-index.ts'
import type { Chunking } from '../text/chunk-settings.ts'
import type { AddProgress } from '../write/add-documents.ts'
import { type EvaluateSearchOptions, evaluateSearch, type SearchEvaluation } from './evaluate-search.ts'

export interface RetrievalOptions<M extends Measure = Measure>
  extends Omit<EvaluateSearchOptions<M>, 'filter' | 'signal'> {
  /** How documents are cut, as for {@link SearchIndex.add}. */
  readonly chunk?: Chunking
  /** Told while documents are put into the index. */
  readonly onProgress?: (progress: AddProgress) => void
  /** Told what was measured, and what there is to know of the data. */
  readonly onReport?: (report: RetrievalReport<M>) => void
}

const retrievalKeys: OptionKeys<Omit<RetrievalOptions, 'chunk' | 'onProgress' | 'onReport'>> = {
  mode: true,
  fusion: true,
  minScore: true,
  exact: true,
  measures: true,
  keepOwnIds: true,
}

export interface RetrievalReport<M extends Measure = Measure> extends SearchEvaluation<M> {
  readonly documents: number
  readonly chunks: number
  /** Documents without a text or title, and others that an index does not take. */
  readonly leftOut: number
}

/** Measures what search finds in documents: they are put into an index, cut and embedded as any, and searched in the encoder's mode unless another is asked for. */
export function retrievalEvaluator<M extends Measure = (typeof defaultMeasures)[number]>(
  data: RetrievalData,
  { chunk = {}, onProgress, onReport, ...options }: RetrievalOptions<M> = {},
): Evaluator {
  checkOptionKeys('retrievalEvaluator', options, retrievalKeys)
  const measures = options.measures ?? defaultMeasures
  for (const measure of measures) measureOf(measure)
  const [primary = defaultMeasures[0]] = measures
  return describeEvaluator(
    primary,
    () => factsOf(data, { chunk, ...options }),
    async (encoder, { signal } = {}) => {
      throwIfAborted(signal)
      const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-evaluate-'))
      const stop = signal ? { signal } : {}
      try {
        await using index = await openIndex({ name: 'evaluation', encoder, path: folder })
        const { chunks, failedCount } = await index.add(documentsOf(data), {
          chunk,
          ...stop,
          ...(onProgress ? { onProgress } : {}),
        })
        const evaluation = await evaluateSearch(index, data, { ...options, ...stop })
        onReport?.({ ...evaluation, documents: data.documents.size - failedCount, chunks, leftOut: failedCount })
        return evaluation.metrics
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  )
}

function* factsOf({ documents, queries, relevance }: RetrievalData, options: object): Generator<unknown> {
  yield options
  yield* documents
  yield* queries
  for (const [query, judged] of relevance) yield [query, ...judged]
}

/** A document that has a title alone has it as its text. */
function* documentsOf({ documents }: RetrievalData): Generator<Document> {
  for (const [id, given] of documents) {
    const { title, text } = typeof given === 'string' ? { text: given, title: undefined } : given
    if (text.trim() === '' && title) yield { id, text: title }
    else yield { id, text, ...(title ? { title } : {}) }
  }
}
