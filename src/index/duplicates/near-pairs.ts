import { createPace, type OnProgress, throwIfAborted } from '../../shared/index.ts'
import type { Filter } from '../filter/index.ts'
import type { VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import type { DocumentVectors } from './document-vectors.ts'

/** Two documents by their places, the first before the second, and the cosine of their vectors. */
export type OnPair = (first: number, second: number, score: number) => void

export interface PairOptions {
  /** The least cosine. */
  readonly threshold: number
  readonly signal?: AbortSignal | undefined
  /** In documents that were compared with all others. */
  readonly onProgress?: OnProgress | undefined
}

/** Rows whose vectors stay in the processor's cache while others pass over them. */
const rowsAtOnce = 64
/** The first of so many parts of the dimensions tells of most pairs that they are too far apart. */
const headShare = 4
/** The same vector twice is 1 − this at worst. */
const rounding = 1e-6

/** Compares every document with every other one: `documents² / 2` products, in memory that does not grow. */
export async function comparePairs(
  vectors: DocumentVectors,
  { threshold, signal, onProgress }: PairOptions,
  onPair: OnPair,
): Promise<void> {
  const { documents, dimensions } = vectors
  const product = rowProducts(vectors)
  const least = threshold - rounding
  const total = documents.length
  const head = Math.ceil(dimensions / headShare)
  const tails = Float64Array.from(documents, (_, row) => Math.sqrt(product(row, row, head, dimensions)))
  const pace = createPace()
  for (let block = 0; block < total; block += rowsAtOnce) {
    const end = Math.min(total, block + rowsAtOnce)
    for (let second = block + 1; second < total; second++) {
      const tail = tails[second]!
      for (let first = block; first < Math.min(end, second); first++) {
        const start = product(first, second, 0, head)
        if (start + tails[first]! * tail < least) continue // Cauchy-Schwarz: the rest adds no more
        const score = start + product(first, second, head, dimensions)
        if (score >= least) onPair(first, second, Math.min(1, score))
      }
      if (second % 256 === 0) {
        throwIfAborted(signal)
        await pace()
      }
    }
    throwIfAborted(signal)
    onProgress?.({ done: end, total })
    await pace()
  }
}

/** Products of two rows, over the dimensions from `from` on, before `to`. */
function rowProducts({ data, dimensions }: DocumentVectors) {
  return (a: number, b: number, from: number, to: number): number => {
    const startA = a * dimensions
    const startB = b * dimensions
    let sum = 0
    for (let i = from; i < to; i++) sum += data[startA + i]! * data[startB + i]!
    return sum
  }
}

/** Documents that are asked for together, and nearest ones that each is compared with. */
const queriesAtOnce = 256
const neighbours = 50

/** Asks the store for what is nearest to each document, so that the time grows with the documents; of more near ones than 50, some are missed. */
export async function askForPairs(
  store: VectorStore,
  vectors: DocumentVectors,
  { threshold, filter, signal, onProgress }: PairOptions & { filter?: Filter | undefined },
  onPair: OnPair,
): Promise<void> {
  const { documents, dimensions, data, collection } = vectors
  const product = rowProducts(vectors)
  const head = Math.ceil(dimensions / headShare)
  const rows = new Map(documents.map(({ id }, row) => [id, row]))
  const vectorOf = (row: number) => data.subarray(row * dimensions, (row + 1) * dimensions)
  const asked = within(store, signal)
  const seen = new Set<number>()
  for (let start = 0; start < documents.length; start += queriesAtOnce) {
    const end = Math.min(documents.length, start + queriesAtOnce)
    const queries = Array.from({ length: end - start }, (_, i) => ({
      mode: 'dense' as const,
      vector: vectorOf(start + i),
      limit: neighbours + 1,
      groupByDocument: true,
      ...(filter ? { filter } : {}),
    }))
    for (const [i, hits] of (await asked.queryMany(collection, queries)).entries()) {
      for (const { point } of hits) {
        const other = rows.get(point.documentId)
        if (other === undefined || other === start + i) continue
        const [first, second] = [Math.min(other, start + i), Math.max(other, start + i)]
        const pair = first * documents.length + second
        if (seen.has(pair)) continue
        const score = product(first, second, 0, head) + product(first, second, head, dimensions)
        if (score < threshold - rounding) continue
        seen.add(pair)
        onPair(first, second, Math.min(1, score))
      }
    }
    onProgress?.({ done: end, total: documents.length })
  }
}
