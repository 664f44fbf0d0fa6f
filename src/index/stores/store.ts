import type { JsonObject } from '../../shared/index.ts'
import type { Fields } from '../filter/fields.ts'
import type { Filter } from '../filter/index.ts'

/** What a collection holds, fixed when it is made. */
export interface CollectionSchema {
  readonly dimensions: number
  /** Name and fingerprint of the encoder that made the vectors. */
  readonly encoder: { readonly name: string; readonly fingerprint: string }
  readonly fields: Fields
  /** Only where an older version stored it: the number of its form. Such a collection is read by the upgrade alone. */
  readonly format?: number
  /** The form that the index had once: its documents may have ids as they were made then. */
  readonly upgradedFrom?: number
}

/** Stands for the encoder of a collection that something else made: whoever opens it has to know. */
export const unknownEncoder: CollectionSchema['encoder'] = { name: 'unknown', fingerprint: 'unknown' }

export interface CollectionInfo {
  readonly name: string
  readonly schema: CollectionSchema
  /** Points, that is chunks. */
  readonly points: number
  /** Bytes on disk, where the store can tell. */
  readonly bytes: number | undefined
  /** Of a collection that something else made: where things were found in it. */
  readonly foreign?: ForeignPlaces
}

export interface ForeignPlaces {
  /** Name of the vector that is searched; empty for the unnamed one. */
  readonly vector: string
  /** Key of the text in a point's payload, dots between nested ones; undefined where there is no point yet. */
  readonly text: string | undefined
  /** Key of the object that filters look into; undefined for the payload itself. */
  readonly payload: string | undefined
}

/** One chunk of one document as a store keeps it. Everything but `vector` and `terms` comes back verbatim. */
export interface PointRecord {
  /** Unique in the collection. */
  readonly id: string
  readonly documentId: string
  /** Position of the chunk in its document, from 0, and how many chunks that document has. */
  readonly chunk: number
  readonly chunks: number
  /** Hash of the whole document as it was put. */
  readonly hash: string
  readonly title: string | undefined
  readonly content: Content
  readonly payload: JsonObject
}

/** What a chunk is, told by its kind. Texts are the only kind so far (`docs/decisions/contents.md`). */
export type Content = TextContent

export interface TextContent {
  readonly kind: 'text'
  readonly text: string
  /** UTF-16 offsets of `text` in the document's text. */
  readonly start: number
  readonly end: number
  /** Where it is in the source, as far as that is known. */
  readonly heading: string | undefined
  readonly line: number | undefined
  readonly page: number | undefined
}

export interface Point extends PointRecord {
  /** `[dimensions]`, unit length, finite. */
  readonly vector: Float32Array
  /** Terms of the lexical side, repeated as often as they occur; see `lexicalTerms`. */
  readonly terms: readonly string[]
  /** When the run that puts it began, in milliseconds since 1970; see `markSeen`. */
  readonly seen?: number
  /** Names the call that puts it, so that it can tell its own points from those of others. */
  readonly writer?: string
}

/** Enough of a point to see whether its document changed. */
export type PointKey = Pick<PointRecord, 'id' | 'documentId' | 'chunk' | 'chunks' | 'hash'> & Pick<Point, 'writer'>

/** Which points: by point id, by document id, or by the payload. */
export type Selector =
  | { readonly ids: readonly string[] }
  | { readonly documents: readonly string[] }
  | { readonly filter: Filter }

export type Ranking =
  | { readonly mode: 'dense'; readonly vector: Float32Array }
  | { readonly mode: 'bm25'; readonly terms: readonly string[] }
  | { readonly mode: 'hybrid'; readonly vector: Float32Array; readonly terms: readonly string[] }

export type SearchMode = Ranking['mode']

/** How mode hybrid makes one score of two: of the scores (0.3 · cosine + 0.7 · BM25 / (5 · words of the query)), or of ranks (reciprocal rank fusion, k = 60). */
export type Fusion = 'scores' | 'rrf'

/** What each side says of a chunk: its cosine with the query, and its BM25 score (0 where it has none of the words). */
export interface Scores {
  readonly dense?: number
  readonly bm25?: number
}

export type StoreQuery = Ranking & {
  readonly limit: number
  readonly offset?: number
  readonly filter?: Filter
  /** Of mode hybrid; `scores` unless said otherwise. */
  readonly fusion?: Fusion
  /** Leave out points whose scores are below, before they are grouped and cut into pages. */
  readonly minScores?: Scores
  /** Keep only the best point of each document. */
  readonly groupByDocument?: boolean
  /** Compare with every vector instead of asking the approximate index. */
  readonly exact?: boolean
}

/** Score: cosine (dense), BM25 (bm25), the fused one (hybrid; `fusion.ts`, the same for every store). Equal scores are ordered by id. */
export interface ScoredPoint {
  readonly score: number
  /** The side's own score, or both in mode hybrid, whichever side found the point. */
  readonly scores: Scores
  readonly point: PointRecord
}

export interface ScrollPage {
  readonly points: readonly (PointRecord & { readonly vector?: Float32Array })[]
  /** Pass it to get the next page; undefined after the last. */
  readonly cursor: string | undefined
}

export interface KeyPage {
  readonly keys: readonly PointKey[]
  readonly cursor: string | undefined
}

/** Of how many parts a collection is, each of which a search has to open. */
export interface CollectionParts {
  readonly points: number
  /** Files of points. */
  readonly fragments: number
  /** Segments of the vector index; 0 where there is none. */
  readonly vectorSegments: number
  /** Points that are in no index yet: a search compares with each. */
  readonly unindexed: number
  /** Older states of the collection that whoever reads may still need. */
  readonly versions: number
}

/** A look at a collection in the background, and the merge where that paid. */
export interface MaintenanceRun {
  readonly collection: string
  readonly kind: 'look' | 'merge'
  readonly seconds: number
  /** What there is now; undefined where it failed. */
  readonly parts?: CollectionParts
  readonly error?: unknown
}

/** What a store can do beyond the contract. */
export interface StoreCapabilities {
  readonly aliases: boolean
  /** An approximate index is built; `exact` makes a difference. */
  readonly approximate: boolean
  /** After small writes it brings its indexes up to date by itself, in the background. */
  readonly upkeep: boolean
}

/**
 * Where points live. One contract suite (`test/contract/vector-store.ts`) says what every store does.
 * Every write is durable when its promise resolves. Unknown collections reject with `index-not-found`.
 */
export interface VectorStore {
  readonly name: string
  readonly capabilities: StoreCapabilities
  /** Rejects where nothing could be stored, and says why; a server asks before it begins. */
  checkWritable?(): Promise<void>
  /** Makes the collection, or checks that it is the same one: `encoder-mismatch`, `dimension-mismatch`, `invalid-option`. */
  ensure(collection: string, schema: CollectionSchema): Promise<void>
  list(): Promise<string[]>
  info(collection: string): Promise<CollectionInfo | undefined>
  drop(collection: string): Promise<void>
  /**
   * Puts points by id; of a repeated id the last one counts. `onlyNew` leaves points alone whose ids are there:
   * of several writers of a new document, the first has put it, and its `writer` says so.
   */
  upsert(collection: string, points: readonly Point[], options?: { onlyNew?: boolean }): Promise<void>
  /** Points selected, ordered by document id, then chunk. */
  get(
    collection: string,
    selector: Selector,
    options?: { vectors?: boolean; limit?: number },
  ): Promise<ScrollPage['points']>
  keys(collection: string, documents: readonly string[]): Promise<PointKey[]>
  /** Returns how many points went. */
  delete(collection: string, selector: Selector): Promise<number>
  query(collection: string, query: StoreQuery): Promise<ScoredPoint[]>
  /** What `query` gives for each, together: much faster where many are asked at once. */
  queryMany(collection: string, queries: readonly StoreQuery[]): Promise<ScoredPoint[][]>
  /** Points, or documents (a document counts by its chunk 0). */
  count(collection: string, options?: { filter?: Filter; unit?: 'points' | 'documents' }): Promise<number>
  /**
   * Every point that is there during the whole walk comes exactly once; a page may have fewer than `limit`, or none, before the last.
   * `seenBefore` leaves only points that neither `upsert` nor `markSeen` marked with this moment or a later one.
   */
  scroll(
    collection: string,
    options?: { filter?: Filter; limit?: number; cursor?: string; vectors?: boolean; seenBefore?: number },
  ): Promise<ScrollPage>
  /** The same walk, reading keys alone. */
  scrollKeys(collection: string, options?: { filter?: Filter; limit?: number; cursor?: string }): Promise<KeyPage>
  /** What is stored about the collection now: a cheap look. */
  schema(collection: string): Promise<CollectionSchema | undefined>
  /** Marks all points of these documents as seen at that moment, without rewriting them; a later mark stays. Unknown documents are passed over. */
  markSeen(collection: string, documents: readonly string[], seen: number): Promise<void>
  /** Alias → collection. An alias of a dropped collection may be among them. */
  aliases(): Promise<ReadonlyMap<string, string>>
  /** Makes `alias` name the collection, or nothing any more (`undefined`), in one atomic step. Every call takes an alias for a collection. */
  alias(alias: string, collection: string | undefined): Promise<void>
  /**
   * Brings indexes up to date after many writes; searches are right without it, only slower. `due` does so where it pays by now,
   * `background` too, without being waited for.
   */
  optimize(collection: string, options?: { signal?: AbortSignal; when?: 'now' | 'due' | 'background' }): Promise<void>
  /** Tells of what is done in the background, until the function that it returns is called. */
  onMaintenance?(listener: (run: MaintenanceRun) => void): () => void
  /**
   * The same store; once the signal fires, its calls end with `aborted`, those under way too. A server is told to stop; what an embedded store has begun goes on unheard.
   * Of a write that ended so it is not known whether it was done.
   */
  within(signal: AbortSignal): VectorStore
  /** Waits for maintenance that is under way. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
