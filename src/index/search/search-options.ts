import type { JsonObject, OptionKeys } from '../../shared/index.ts'
import type { FilterInput } from '../payload/payload-types.ts'
import type { Fusion, Scores, SearchMode } from '../stores/store.ts'

export interface SearchOptions<Payload extends object = JsonObject> {
  readonly limit?: number
  readonly offset?: number
  readonly filter?: FilterInput<Payload>
  /** `dense` compares vectors, `bm25` words, `hybrid` fuses both rankings. Defaults to what the encoder recommends, else `hybrid`. */
  readonly mode?: SearchMode
  /** One hit a document (its best chunk), or every chunk for itself. */
  readonly groupBy?: 'document' | 'chunk'
  /** How mode hybrid makes one score of two: `scores` (on a common scale, the default) or `rrf` (of ranks). */
  readonly fusion?: Fusion
  /** Drops hits below: a cosine in mode dense, a BM25 score in mode bm25; in mode hybrid either or both of `{ dense, bm25 }`. */
  readonly minScore?: number | Scores
  /** Compare with every vector, past any approximate index. */
  readonly exact?: boolean
  readonly signal?: AbortSignal
}

export const searchKeys: OptionKeys<SearchOptions> = {
  limit: true,
  offset: true,
  filter: true,
  mode: true,
  groupBy: true,
  fusion: true,
  minScore: true,
  exact: true,
  signal: true,
}

/** A text, or the vector of something that was encoded before. */
export type SearchQuery = string | { readonly vector: Float32Array | readonly number[] }

/** What was made of documents instead of a text: terms are needed by the modes that rank by words. */
export interface PreparedQuery {
  readonly vector: Float32Array
  readonly terms: readonly string[]
}

export type AnyQuery = SearchQuery | PreparedQuery

/** True for what can be ranked by words. */
export function hasWords(query: AnyQuery): boolean {
  return typeof query === 'string' || 'terms' in query
}
