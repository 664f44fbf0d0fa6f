import type { Encoder } from '../embed/index.ts'
import {
  checkOptionKeys,
  createPace,
  type Document,
  isQontrastError,
  type JsonObject,
  type OptionKeys,
  orAborted,
  QontrastError,
  throwIfAborted,
} from '../shared/index.ts'
import { checkFields } from './filter/fields.ts'
import { toFilter } from './filter/index.ts'
import { describeIndex, type IndexInfo } from './generations/describe-index.ts'
import { createEncoders, type LoadByName } from './generations/encoders.ts'
import { dropIndex } from './generations/generations.ts'
import { createMembers, type Member } from './generations/members.ts'
import type { DocumentInputs, FieldsOf, FilterInput, StoredPayload } from './payload/payload-types.ts'
import { checkIds, checkNarrows, checkQuery, checkSearch } from './search/check-search.ts'
import { type Hit, toHit } from './search/hit.ts'
import { rank } from './search/rank.ts'
import { type Examples, searchLike } from './search/search-like.ts'
import type { AnyQuery, SearchOptions, SearchQuery } from './search/search-options.ts'
import { checkSameSchema, isUnknown } from './stores/check.ts'
import { lancedb } from './stores/lancedb.ts'
import { checkIndexName } from './stores/names.ts'
import type { CollectionSchema, PointRecord, Scores, SearchMode, StoreQuery, VectorStore } from './stores/store.ts'
import { within } from './stores/within.ts'
import { joinChunks } from './text/join-chunks.ts'
import { type AddOptions, type AddReport, addDocuments } from './write/add-documents.ts'
import { deleteEverywhere } from './write/delete-documents.ts'

export interface OpenIndexOptions<Payload extends object = JsonObject> {
  /** 1 to 64 letters, digits, `-` and `_`, beginning with a letter or digit. */
  readonly name: string
  readonly encoder: Encoder
  /** Folder of the embedded store: short for `store: lancedb({ path })`, and closed with the index. */
  readonly path?: string
  readonly store?: VectorStore
  /** Payload fields that filters should be fast on; declared when the index is made. */
  readonly fields?: FieldsOf<Payload>
  /** How other encoders are opened while, and after, the index is re-indexed with one; they are closed with the index. Defaults to {@link loadEncoder}. */
  readonly loadEncoder?: LoadByName
  /** `false`: the index is never made here; adding to one that is not there, or was dropped meanwhile, rejects with `index-not-found`. */
  readonly create?: boolean
}

const openKeys: OptionKeys<OpenIndexOptions> = {
  name: true,
  encoder: true,
  path: true,
  store: true,
  fields: true,
  loadEncoder: true,
  create: true,
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface ScrollOptions<Payload extends object = JsonObject> extends CallOptions {
  readonly filter?: FilterInput<Payload>
}

const scrollKeys: OptionKeys<ScrollOptions> = { filter: true, signal: true }
const callKeys: OptionKeys<CallOptions> = { signal: true }
const selectionKeys: OptionKeys<FilterSelection> = { filter: true }

/** Queries that go to the store together: between them a search can be stopped. */
const queriesAtOnce = 1_000

interface FilterSelection<Payload extends object = JsonObject> {
  readonly filter: FilterInput<Payload>
}

/** Documents under one name, found by meaning, by words, or both. A declared payload types documents, filters and hits; what is stored is not checked against it. */
export interface SearchIndex<Payload extends object = JsonObject> {
  readonly name: string
  /** The encoder of the generation that is searched: another one once the index was re-indexed. */
  readonly encoder: Encoder
  /** Puts documents by id; those that did not change cost nothing. Rejects with `aborted`, `disk-full`, `store-busy` or the source's own error; what was reported stays. */
  add(documents: DocumentInputs<Payload>, options?: AddOptions): Promise<AddReport>
  search(query: SearchQuery, options?: SearchOptions<Payload>): Promise<Hit<StoredPayload<Payload>>[]>
  /** One list of hits a query; the texts are encoded together. */
  searchMany(
    queries: readonly SearchQuery[],
    options?: SearchOptions<Payload>,
  ): Promise<Hit<StoredPayload<Payload>>[][]>
  /**
   * What is like documents, and unlike others, these left out: `dense` by their vectors (the default), `bm25` by their words, `hybrid` by both.
   * Of one id undefined where there is no such document or the filter does not match it; of examples it rejects with `not-found`.
   */
  searchLike(examples: Examples, options?: SearchOptions<Payload>): Promise<Hit<StoredPayload<Payload>>[]>
  searchLike(id: string, options?: SearchOptions<Payload>): Promise<Hit<StoredPayload<Payload>>[] | undefined>
  get(id: string, options?: CallOptions): Promise<Document<StoredPayload<Payload>> | undefined>
  /** In the order of the ids. */
  get(ids: readonly string[], options?: CallOptions): Promise<(Document<StoredPayload<Payload>> | undefined)[]>
  /** Returns how many documents went. A filter that holds for every payload is refused: `drop` deletes everything. */
  delete(selection: string | readonly string[] | FilterSelection<Payload>, options?: CallOptions): Promise<number>
  /** Documents. */
  count(filter?: FilterInput<Payload>, options?: CallOptions): Promise<number>
  /** All documents, or those that a filter matches, in no particular order. */
  scroll(options?: ScrollOptions<Payload>): AsyncGenerator<Document<StoredPayload<Payload>>, void, undefined>
  info(options?: CallOptions): Promise<IndexInfo>
  drop(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens an index, or prepares a new one that is made when the first document is added.
 * Rejects with `encoder-mismatch` where it was made with another encoder, `invalid-option` where its fields differ.
 */
export function openIndex<Payload extends object = JsonObject>(
  options: OpenIndexOptions<NoInfer<Payload>>,
): Promise<SearchIndex<Payload>>
export async function openIndex(options: OpenIndexOptions): Promise<SearchIndex> {
  checkOptionKeys('openIndex', options, openKeys)
  const { name, encoder, path, store: given, fields = {}, loadEncoder, create = true } = options
  if ((path === undefined) === (given === undefined)) {
    throw new QontrastError('invalid-option', 'openIndex takes either path (the embedded store) or store.')
  }
  checkFields(fields)
  if (typeof encoder?.encode !== 'function')
    throw new QontrastError('invalid-option', 'openIndex needs an encoder: { encoder: await loadEncoder() }.')
  const store = given ?? lancedb({ path: path ?? '' })
  const asked: CollectionSchema = {
    dimensions: encoder.dimensions,
    encoder: { name: encoder.name, fingerprint: encoder.fingerprint },
    fields,
  }
  const existing = await store.info(name)
  if (existing) checkSameSchema(name, existing.schema, asked)
  else checkIndexName(name)
  const members = createMembers({
    store,
    index: name,
    asked,
    create,
    existing: existing && { collection: existing.name, schema: existing.schema },
    encoders: createEncoders(encoder, loadEncoder),
  })
  const schema = existing?.schema ?? asked
  let searched = encoder
  let closed = false
  const close = async () => {
    closed = true
    await members.close()
    if (!given) await store.close()
  }

  function checkOpen(): void {
    if (closed) throw new QontrastError('closed', `The index '${name}' was closed.`)
  }

  /** Vectors are compared with those of the encoder's own generation; where that was dropped meanwhile, the search moves to the new one. */
  async function whereSearched<T>(work: (member: Member) => Promise<T>, { signal }: CallOptions): Promise<T> {
    checkOpen()
    return orAborted(tryWhereSearched(work), signal)
  }

  async function tryWhereSearched<T>(work: (member: Member) => Promise<T>): Promise<T> {
    const member = await members.searched()
    try {
      return await work(member)
    } catch (error) {
      if (!isQontrastError(error, 'index-not-found')) throw error
      const moved = await members.follow()
      if (moved.collection === member.collection) throw error
      return work(moved)
    }
  }

  const searchMany = (queries: readonly SearchQuery[], options: SearchOptions = {}) =>
    whereSearched((member) => {
      for (const query of queries) checkQuery(query)
      return searchIn(member, queries, options)
    }, options)

  async function searchIn(member: Member, queries: readonly AnyQuery[], options: SearchOptions): Promise<Hit[][]> {
    searched = member.encoder
    const defaultMode = isUnknown(member.schema) ? 'dense' : (member.encoder.searchMode ?? 'hybrid')
    const { mode, minScore, fusion, signal, ...page } = checkSearch(options, {
      queries,
      defaultMode,
    })
    const filter = options.filter === undefined ? undefined : toFilter(options.filter, schema.fields)
    const rankings = await rank(queries, { member, mode, defaultMode, signal })
    const at = within(store, signal)
    const hits: Hit[][] = []
    const pace = createPace()
    for (let start = 0; start < rankings.length; start += queriesAtOnce) {
      throwIfAborted(signal)
      const asked = rankings.slice(start, start + queriesAtOnce).map(
        (ranking): StoreQuery => ({
          ...ranking,
          ...page,
          ...(fusion ? { fusion } : {}),
          ...(minScore === undefined ? {} : { minScores: boundsOf(minScore, ranking.mode) }),
          ...(filter ? { filter } : {}),
        }),
      )
      const [answers] = await Promise.all([at.queryMany(member.collection, asked), members.check(member, signal)])
      for (const [i, found] of answers.entries()) {
        hits.push(found.map((scored) => toHit(scored, queries[start + i])))
        await pace()
      }
    }
    return hits
  }

  function like(id: string, options?: SearchOptions): Promise<Hit[] | undefined>
  function like(examples: Examples, options?: SearchOptions): Promise<Hit[]>
  async function like(given: string | Examples, options: SearchOptions = {}) {
    try {
      return await whereSearched(
        (member) =>
          searchLike(typeof given === 'string' ? { like: given } : given, {
            store: within(store, options.signal),
            member,
            options,
            filter: options.filter === undefined ? undefined : toFilter(options.filter, schema.fields),
            search: async (query, wider) => (await searchIn(member, [query], wider))[0] ?? [],
          }),
        options,
      )
    } catch (error) {
      if (typeof given === 'string' && isQontrastError(error, 'not-found')) return undefined
      throw error
    }
  }

  function get(id: string, options?: CallOptions): Promise<Document | undefined>
  function get(ids: readonly string[], options?: CallOptions): Promise<(Document | undefined)[]>
  async function get(selection: string | readonly string[], options: CallOptions = {}) {
    checkOpen()
    checkOptionKeys('get', options, callKeys)
    const ids = checkIds(selection)
    const points = await within(store, options.signal).get(name, { documents: [...new Set(ids)] })
    const documents = new Map<string, PointRecord[]>(ids.map((id) => [id, []]))
    for (const point of points) documents.get(point.documentId)?.push(point)
    const found = ids.map((id) => joinChunks(documents.get(id) ?? []))
    return typeof selection === 'string' ? found[0] : found
  }

  return {
    name,
    get encoder() {
      return searched
    },
    async add(documents, options = {}) {
      checkOpen()
      return addDocuments(documents, { store, members }, options)
    },
    async search(query, options) {
      const [hits = []] = await searchMany([query], options)
      return hits
    },
    searchMany,
    searchLike: like,
    get,
    async delete(selection, options = {}) {
      checkOpen()
      checkOptionKeys('delete', options, callKeys)
      const at = within(store, options.signal)
      if (isFilterSelection(selection)) {
        checkOptionKeys('delete', selection, selectionKeys)
        const filter = toFilter(selection.filter, schema.fields)
        checkNarrows(filter, schema.fields)
        const documents = await at.count(name, { filter, unit: 'documents' })
        await orAborted(deleteEverywhere(at, members, { filter }), options.signal)
        return documents
      }
      const ids = checkIds(selection)
      const found = new Set((await at.keys(name, ids)).map(({ documentId }) => documentId))
      await orAborted(deleteEverywhere(at, members, { documents: [...found] }), options.signal)
      return found.size
    },
    async count(filter, options = {}) {
      checkOpen()
      checkOptionKeys('count', options, callKeys)
      return within(store, options.signal).count(name, {
        unit: 'documents',
        ...(filter === undefined ? {} : { filter: toFilter(filter, schema.fields) }),
      })
    },
    async *scroll(options = {}) {
      checkOpen()
      checkOptionKeys('scroll', options, scrollKeys)
      const { filter, signal } = options
      const at = within(store, signal)
      const condition = filter === undefined ? undefined : toFilter(filter, schema.fields)
      let cursor: string | undefined
      do {
        const page = await at.scroll(name, {
          ...(condition ? { filter: condition } : {}),
          ...(cursor === undefined ? {} : { cursor }),
        })
        for (const point of page.points) {
          if (point.chunk > 0) continue
          const chunks = point.chunks === 1 ? [point] : await at.get(name, { documents: [point.documentId] })
          const document = joinChunks(chunks)
          if (document) yield document
        }
        cursor = page.cursor
      } while (cursor !== undefined)
    },
    async info(options = {}) {
      checkOpen()
      checkOptionKeys('info', options, callKeys)
      const info = await describeIndex(within(store, options.signal), name)
      if (info) return info
      throw new QontrastError('index-not-found', `There is no index '${name}' yet: add some documents first.`)
    },
    async drop() {
      checkOpen()
      await dropIndex(store, name)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A number bounds the score of the mode. */
function boundsOf(minScore: number | Scores, mode: SearchMode): Scores {
  return typeof minScore === 'number' ? { [mode]: minScore } : minScore
}

function isFilterSelection(selection: string | readonly string[] | FilterSelection): selection is FilterSelection {
  return typeof selection === 'object' && selection !== null && !Array.isArray(selection)
}
