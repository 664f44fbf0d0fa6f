import { checkOptionKeys, type OptionKeys, type Progress, QontrastError } from '../../shared/index.ts'
import { type FilterInput, toFilter } from '../filter/index.ts'
import type { VectorStore } from '../stores/store.ts'
import { type DocumentVectors, readDocumentVectors } from './document-vectors.ts'
import { askForPairs, comparePairs, type OnPair } from './near-pairs.ts'

export interface DuplicateOptions {
  readonly store: VectorStore
  readonly index: string
  /** The least cosine of two documents' vectors; 0.95 unless said otherwise. */
  readonly threshold?: number
  /** Only documents whose payload matches. */
  readonly filter?: FilterInput
  /** Most pairs, or groups, that come back: the nearest pairs, the largest groups. 1,000 unless said otherwise. */
  readonly limit?: number
  /** Whether every document is compared with every other one. Defaults to true up to 30,000 documents; beyond, the store's index is asked. */
  readonly exact?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: DuplicateProgress) => void
}

/** First the vectors are read (counted in chunks), then documents are compared. */
export interface DuplicateProgress extends Progress {
  readonly step: 'read' | 'compare'
}

export interface SimilarDocument {
  readonly id: string
  readonly title: string | undefined
}

export interface DuplicatePair {
  readonly score: number
  readonly documents: readonly [SimilarDocument, SimilarDocument]
}

export interface DuplicateReport {
  /** Documents that were compared. */
  readonly documents: number
  /** Whether all pairs were compared; else some may be missing. */
  readonly exact: boolean
  /** Pairs that reach the threshold, also those beyond `limit`. */
  readonly total: number
  /** Nearest first, then by id. */
  readonly pairs: readonly DuplicatePair[]
}

export interface Cluster {
  /** By id, each with the cosine to the nearest other one of the group. */
  readonly documents: readonly (SimilarDocument & { readonly score: number })[]
}

export interface ClusterReport extends Omit<DuplicateReport, 'pairs' | 'total'> {
  /** Groups of two or more, also those beyond `limit`, and the documents in them. */
  readonly total: number
  readonly clustered: number
  /** Largest first, then by the id of its first document. */
  readonly clusters: readonly Cluster[]
}

const optionKeys: OptionKeys<DuplicateOptions> = {
  store: true,
  index: true,
  threshold: true,
  filter: true,
  limit: true,
  exact: true,
  signal: true,
  onProgress: true,
}
const defaultThreshold = 0.95
const defaultLimit = 1_000
/** Comparing so many with each other takes minutes. */
const mostCompared = 30_000

/**
 * Finds pairs of documents that nearly say the same, by the cosine of their vectors (of several chunks, the mean).
 * Rejects with `index-not-found`, `index-outdated`, `invalid-option`, `aborted`.
 */
export async function findDuplicates(options: DuplicateOptions): Promise<DuplicateReport> {
  checkOptionKeys('findDuplicates', options, optionKeys)
  const { limit } = check(options)
  let pairs: { first: number; second: number; score: number }[] = []
  let total = 0
  const nearestFirst = () => {
    pairs = pairs.sort((a, b) => b.score - a.score || a.first - b.first || a.second - b.second).slice(0, limit)
  }
  const { vectors, exact } = await findPairs(options, (first, second, score) => {
    total += 1
    pairs.push({ first, second, score })
    if (pairs.length >= 2 * limit + 1_000) nearestFirst()
  })
  nearestFirst()
  const at = (row: number): SimilarDocument => vectors.documents[row] ?? { id: '', title: undefined }
  return {
    documents: vectors.documents.length,
    exact,
    total,
    pairs: pairs.map(({ first, second, score }) => ({ score, documents: [at(first), at(second)] })),
  }
}

/**
 * Groups documents that are joined by pairs which reach the threshold: two of a group may be further apart, where others lie between them.
 * Rejects as {@link findDuplicates} does.
 */
export async function findClusters(options: DuplicateOptions): Promise<ClusterReport> {
  checkOptionKeys('findClusters', options, optionKeys)
  const { limit } = check(options)
  const parents = new Map<number, number>()
  const nearest = new Map<number, number>()
  const rootOf = (row: number): number => {
    let root = row
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent
    for (let at = row; at !== root; ) {
      const parent = parents.get(at) ?? root
      parents.set(at, root)
      at = parent
    }
    return root
  }
  const { vectors, exact } = await findPairs(options, (first, second, score) => {
    for (const row of [first, second]) nearest.set(row, Math.max(nearest.get(row) ?? -1, score))
    const [a, b] = [rootOf(first), rootOf(second)]
    if (a !== b) parents.set(Math.max(a, b), Math.min(a, b))
  })
  const rows = [...nearest.keys()].sort((a, b) => a - b)
  const groups = [...Map.groupBy(rows, rootOf).values()].sort((a, b) => b.length - a.length || a[0]! - b[0]!)
  return {
    documents: vectors.documents.length,
    exact,
    total: groups.length,
    clustered: rows.length,
    clusters: groups.slice(0, limit).map((group) => ({
      documents: group.flatMap((row) => {
        const document = vectors.documents[row]
        return document ? [{ ...document, score: nearest.get(row) ?? 0 }] : []
      }),
    })),
  }
}

async function findPairs(
  { store, index, threshold = defaultThreshold, filter: given, exact: asked, signal, onProgress }: DuplicateOptions,
  onPair: OnPair,
): Promise<{ vectors: DocumentVectors; exact: boolean }> {
  const filter = given && toFilter(given)
  const vectors = await readDocumentVectors(store, index, {
    filter,
    signal,
    onProgress: (progress) => onProgress?.({ ...progress, step: 'read' }),
  })
  const exact = asked ?? vectors.documents.length <= mostCompared
  const options = {
    threshold,
    signal,
    onProgress: (progress: Progress) => onProgress?.({ ...progress, step: 'compare' }),
  }
  if (exact) await comparePairs(vectors, options, onPair)
  else await askForPairs(store, vectors, { ...options, filter }, onPair)
  return { vectors, exact }
}

function check({ threshold = defaultThreshold, limit = defaultLimit }: DuplicateOptions): { limit: number } {
  if (!(threshold > 0 && threshold <= 1))
    throw new QontrastError('invalid-option', `threshold must be a cosine above 0, at most 1; got ${threshold}.`)
  if (!(Number.isInteger(limit) && limit > 0))
    throw new QontrastError('invalid-option', `limit must be a whole number above 0; got ${limit}.`)
  return { limit }
}
