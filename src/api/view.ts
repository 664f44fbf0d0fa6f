import {
  and,
  type DocumentPage,
  type Failure,
  type FilterInput,
  type Hit,
  isEveryPayload,
  type SearchOptions,
  scrollDocuments,
  toFilter,
  type VectorStore,
} from '../index/index.ts'
import { currentWork, type Document, throwIfAborted } from '../shared/index.ts'
import type { ServedIndex } from './catalog.ts'

/** A text, a vector, or documents whose like is looked for. */
export type ViewQuery = string | { readonly vector: readonly number[] } | { readonly id: string } | ViewExamples
export interface ViewExamples {
  readonly like: string | readonly string[]
  readonly unlike?: string | readonly string[]
}

export interface ViewSearchOptions extends Omit<SearchOptions, 'filter'> {
  readonly limit: number
  readonly offset: number
  readonly filter?: FilterInput | undefined
}

export interface PutReport {
  readonly added: number
  readonly updated: number
  readonly unchanged: number
  readonly chunks: number
  readonly failed: readonly Failure[]
}

export type Selection = { readonly ids: readonly string[] } | { readonly filter: FilterInput }

/** The documents of an index that a caller may see and change. */
export interface IndexView {
  put(documents: readonly Document[], signal: AbortSignal): Promise<PutReport>
  /** In the order of the ids. */
  get(ids: readonly string[]): Promise<readonly (Document | undefined)[]>
  /** Returns how many documents went. */
  delete(selection: Selection): Promise<number>
  count(filter?: FilterInput): Promise<number>
  scroll(options: {
    filter?: FilterInput | undefined
    limit: number
    cursor?: string | undefined
  }): Promise<DocumentPage>
  search(queries: readonly ViewQuery[], options: ViewSearchOptions): Promise<Hit[][]>
}

/** The whole index. */
export function viewOf({ index, store, fields, inTurn }: ServedIndex): IndexView {
  return {
    async put(documents, signal) {
      const { added, updated, unchanged, chunks, failed } = await write(() =>
        index.add(documents, { signal, optimize: false }),
      )
      return { added, updated, unchanged, chunks, failed }
    },
    get: (ids) => index.get(ids, asked()),
    delete: (selection) => write(() => index.delete('ids' in selection ? selection.ids : selection)),
    count: (filter) => index.count(filter, asked()),
    scroll: ({ filter, limit, cursor }) =>
      scrollDocuments(wantedStore(), index.name, {
        limit,
        cursor,
        filter: filter === undefined ? undefined : toFilter(filter, fields),
      }),
    search,
  }

  /** Reading ends once nobody waits for it any more. */
  function asked(): { readonly signal?: AbortSignal } {
    const { signal } = currentWork()
    return signal ? { signal } : {}
  }

  function wantedStore(): VectorStore {
    const { signal } = currentWork()
    return signal ? store.within(signal) : store
  }

  /** Writes in turn; what nobody waits for any more by then is not begun. */
  function write<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = currentWork()
    return inTurn(async () => {
      throwIfAborted(signal)
      return work()
    })
  }

  /** Texts and vectors in one call; each example by itself, since it must not find itself. */
  async function search(queries: readonly ViewQuery[], options: ViewSearchOptions): Promise<Hit[][]> {
    const plain = queries.filter((query) => typeof query === 'string' || 'vector' in query)
    const { filter, ...rest } = options
    const found =
      plain.length === 0 ? [] : await index.searchMany(plain, { ...rest, ...(filter === undefined ? {} : { filter }) })
    const hits = found.values()
    const lists: Hit[][] = []
    for (const query of queries) {
      const examples = examplesOf(query)
      lists.push(examples ? await searchLike(examples, options) : (hits.next().value ?? []))
    }
    return lists
  }

  function searchLike(examples: ViewExamples, { filter, ...options }: ViewSearchOptions): Promise<Hit[]> {
    return index.searchLike(examples, { ...options, ...(filter === undefined ? {} : { filter }) })
  }
}

/** The documents that a query names; undefined for a text or a vector. */
export function examplesOf(query: ViewQuery): ViewExamples | undefined {
  if (typeof query === 'string' || 'vector' in query) return undefined
  return 'id' in query ? { like: query.id } : query
}

/** What all callers of a filter see: `and` of both; `{}` is no condition. */
export function narrowed(bound: FilterInput, filter: FilterInput | undefined): FilterInput {
  if (filter === undefined) return bound
  const narrower = toFilter(filter)
  return isEveryPayload(narrower) ? bound : and(bound, narrower)
}
