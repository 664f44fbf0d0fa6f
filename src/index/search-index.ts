import { checkEncoder, type Encoder } from '../embed/index.ts'
import {
  checkOptionKeys,
  type Document,
  isQontrastError,
  type JsonObject,
  type OptionKeys,
  orAborted,
  QontrastError,
} from '../shared/index.ts'
import { checkFields } from './filter/fields.ts'
import { type Fields, toFilter } from './filter/index.ts'
import { describeIndex, type IndexInfo } from './generations/describe-index.ts'
import { createEncoders, type LoadByName } from './generations/encoders.ts'
import { dropIndex } from './generations/generations.ts'
import { createMembers, type Members, whereSearched } from './generations/members.ts'
import type { DocumentInputs, FieldsOf, FilterInput, StoredPayload } from './payload/payload-types.ts'
import { checkIds, checkNarrows, checkQuery } from './search/check-search.ts'
import { getDocuments } from './search/get-documents.ts'
import type { Hit } from './search/hit.ts'
import { eachDocument } from './search/scroll-documents.ts'
import type { Examples } from './search/search-like.ts'
import { type SearchPlace, searchLikeIn, searchMany } from './search/search-many.ts'
import type { SearchOptions, SearchQuery } from './search/search-options.ts'
import { checkSameSchema } from './stores/check.ts'
import { lancedb } from './stores/lancedb.ts'
import { checkIndexName } from './stores/names.ts'
import type { CollectionSchema, VectorStore } from './stores/store.ts'
import { within } from './stores/within.ts'
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
  checkEncoder(encoder, 'openIndex')
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
  return indexOn({
    name,
    encoder,
    store,
    members,
    fields: (existing?.schema ?? asked).fields,
    async release() {
      await members.close()
      if (!given) await store.close()
    },
  })
}

/** What an open index is made of. */
interface Parts {
  readonly name: string
  readonly encoder: Encoder
  readonly store: VectorStore
  readonly members: Members
  readonly fields: Fields
  release(): Promise<void>
}

/** The methods of an index, each a call into the room that does it. */
function indexOn({ name, encoder, store, members, fields, release }: Parts): SearchIndex {
  const { checkOpen, open, close } = createDoor({ name, store, release })
  let searched = encoder

  async function inSearched<T>(work: (place: SearchPlace) => Promise<T>, { signal }: CallOptions): Promise<T> {
    checkOpen()
    const found = whereSearched(members, (member) => {
      searched = member.encoder
      return work({ store, members, member, fields })
    })
    return orAborted(found, signal)
  }

  const search = (queries: readonly SearchQuery[], options: SearchOptions = {}) =>
    inSearched(async (place) => {
      for (const query of queries) checkQuery(query)
      return searchMany(queries, options, place)
    }, options)

  function like(id: string, options?: SearchOptions): Promise<Hit[] | undefined>
  function like(examples: Examples, options?: SearchOptions): Promise<Hit[]>
  async function like(given: string | Examples, options: SearchOptions = {}) {
    try {
      return await inSearched((place) => searchLikeIn(given, options, place), options)
    } catch (error) {
      if (typeof given === 'string' && isQontrastError(error, 'not-found')) return undefined
      throw error
    }
  }

  function get(id: string, options?: CallOptions): Promise<Document | undefined>
  function get(ids: readonly string[], options?: CallOptions): Promise<(Document | undefined)[]>
  async function get(selection: string | readonly string[], options: CallOptions = {}) {
    const at = open('get', options)
    const found = await getDocuments(at, name, checkIds(selection))
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
    search: async (query, options) => (await search([query], options))[0] ?? [],
    searchMany: search,
    searchLike: like,
    get,
    async delete(selection, options = {}) {
      const at = open('delete', options)
      return deleteSelected(selection, { name, store: at, members, fields }, options)
    },
    async count(filter, options = {}) {
      const at = open('count', options)
      const condition = filter === undefined ? {} : { filter: toFilter(filter, fields) }
      return at.count(name, { unit: 'documents', ...condition })
    },
    async *scroll(options = {}) {
      const at = open('scroll', options, scrollKeys)
      yield* eachDocument(at, name, options.filter === undefined ? undefined : toFilter(options.filter, fields))
    },
    async info(options = {}) {
      const info = await describeIndex(open('info', options), name)
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

/** Lets calls in until it is closed. */
function createDoor({ name, store, release }: Pick<Parts, 'name' | 'store' | 'release'>) {
  let closed = false
  function checkOpen(): void {
    if (closed) throw new QontrastError('closed', `The index '${name}' was closed.`)
  }
  return {
    checkOpen,
    /** The store as a call may use it, whose options are checked. */
    open(method: string, options: CallOptions, keys: OptionKeys<CallOptions> = callKeys): VectorStore {
      checkOpen()
      checkOptionKeys(method, options, keys)
      return within(store, options.signal)
    },
    async close(): Promise<void> {
      closed = true
      await release()
    },
  }
}

/** Returns how many documents went: those that were there as the call began. */
async function deleteSelected(
  selection: string | readonly string[] | FilterSelection,
  { name, store, members, fields }: Pick<Parts, 'name' | 'store' | 'members' | 'fields'>,
  { signal }: CallOptions,
): Promise<number> {
  if (isFilterSelection(selection)) {
    checkOptionKeys('delete', selection, selectionKeys)
    const filter = toFilter(selection.filter, fields)
    checkNarrows(filter, fields)
    const documents = await store.count(name, { filter, unit: 'documents' })
    await orAborted(deleteEverywhere(store, members, { filter }), signal)
    return documents
  }
  const found = new Set((await store.keys(name, checkIds(selection))).map(({ documentId }) => documentId))
  await orAborted(deleteEverywhere(store, members, { documents: [...found] }), signal)
  return found.size
}

function isFilterSelection(selection: string | readonly string[] | FilterSelection): selection is FilterSelection {
  return typeof selection === 'object' && selection !== null && !Array.isArray(selection)
}
