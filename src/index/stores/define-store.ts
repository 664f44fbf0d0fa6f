import { QontrastError } from '../../shared/index.ts'
import type { Filter } from '../filter/index.ts'
import { checkPoint, checkSameSchema } from './check.ts'
import { checkCollectionName, indexNames, notFound } from './names.ts'
import { queryCollection, type RankOptions, type Side } from './query-collection.ts'
import type { Found } from './ranking.ts'
import type {
  CollectionSchema,
  KeyPage,
  MaintenanceRun,
  Point,
  PointKey,
  PointRecord,
  ScoredPoint,
  ScrollPage,
  Selector,
  StoreCapabilities,
  StoreQuery,
  VectorStore,
} from './store.ts'
import { abandoning } from './within.ts'

/** A point as it comes back: with its vector where that was asked for, and with its writer. */
export type StoredPoint = PointRecord & Partial<Pick<Point, 'vector' | 'writer'>>

export interface StoredPage {
  readonly points: readonly StoredPoint[]
  /** Where the next page begins; undefined after the last. */
  readonly cursor: string | undefined
}

/** One page of a walk over all points, whichever order it has. */
export interface WalkOptions {
  readonly limit: number
  /** Where the page before ended, as that said. */
  readonly cursor?: string
  readonly filter?: Filter
  readonly vectors?: boolean
  /** Leaves points out that `upsert` or `markSeen` marked with this moment or a later one. */
  readonly seenBefore?: number
}

/** A collection as somebody else keeps it. Names are resolved and points checked, one an id, before any of this is called. */
export interface CollectionDriver {
  readonly schema: CollectionSchema
  /** Durable when its promise resolves. `onlyNew` leaves points alone whose ids are there. */
  upsert(points: readonly Point[], options: { readonly onlyNew: boolean }): Promise<void>
  /** Points selected, in any order; with their vectors where asked. */
  get(selector: Selector, options: { readonly vectors: boolean }): Promise<readonly StoredPoint[]>
  /** Returns how many points went. */
  delete(selector: Selector): Promise<number>
  /** The best points by cosine, or by BM25: of these only those that have a term. */
  rank(side: Side, options: RankOptions): Promise<readonly Found[]>
  /** Points, or documents: those whose chunk 0 it has. */
  count(options: { readonly filter?: Filter; readonly unit: 'points' | 'documents' }): Promise<number>
  /** Every point that is there during the whole walk comes exactly once. */
  scroll(options: WalkOptions): Promise<StoredPage>
  /** Marks all points of these documents; a later mark stays. */
  markSeen(documents: readonly string[], seen: number): Promise<void>
  /** Bytes on disk. */
  bytes?(): Promise<number>
  /** Keys alone, where that is cheaper than whole points. */
  keys?(documents: readonly string[]): Promise<readonly PointKey[]>
  scrollKeys?(options: WalkOptions): Promise<KeyPage>
  /** Many queries together, where that is cheaper than one by one. */
  queryMany?(queries: readonly StoreQuery[]): Promise<ScoredPoint[][]>
  /** Brings indexes up to date. */
  optimize?(options: { readonly signal?: AbortSignal; readonly when: 'now' | 'due' | 'background' }): Promise<void>
}

/** Where somebody else keeps collections: what {@link defineStore} makes a store of. */
export interface StoreDriver {
  /** For messages. */
  readonly name: string
  readonly capabilities?: Partial<Omit<StoreCapabilities, 'aliases'>>
  list(): Promise<readonly string[]>
  /** Every call opens its collection anew, by its own name: keep it cheap. Undefined where there is none. */
  open(collection: string): Promise<CollectionDriver | undefined>
  /** Where another made it meanwhile, that one stays. */
  create(collection: string, schema: CollectionSchema): Promise<void>
  drop(collection: string): Promise<void>
  /** Names of collections that move in one step. Without them an index cannot be re-indexed. */
  readonly aliases?: {
    all(): Promise<ReadonlyMap<string, string>>
    set(alias: string, collection: string | undefined): Promise<void>
  }
  /** Rejects where nothing could be stored. */
  checkWritable?(): Promise<void>
  onMaintenance?(listener: (run: MaintenanceRun) => void): () => void
  close?(): Promise<void>
}

const walkLimit = 1_000

/** Makes a store of a driver: names, checks, fusion, groups, pages and signals are done here, the same for everybody. */
export function defineStore(driver: StoreDriver): VectorStore {
  const { name: where, aliases, capabilities = {} } = driver
  const all = async () => (await aliases?.all()) ?? new Map<string, string>()

  async function find(name: string): Promise<{ collection: string; at: CollectionDriver } | undefined> {
    const collection = (await all()).get(name) ?? name
    const at = await driver.open(collection)
    return at && { collection, at }
  }

  async function open(name: string): Promise<{ collection: string; at: CollectionDriver }> {
    const found = await find(name)
    if (found) return found
    throw notFound(name, where, indexNames([...(await driver.list())], await all()))
  }

  const on =
    <Args extends unknown[], Result>(call: (at: CollectionDriver, ...args: Args) => Promise<Result>) =>
    async (name: string, ...args: Args): Promise<Result> =>
      call((await open(name)).at, ...args)

  const close = async () => driver.close?.()
  const store: VectorStore = {
    name: where,
    capabilities: { approximate: false, upkeep: false, ...capabilities, aliases: aliases !== undefined },
    ...(driver.checkWritable ? { checkWritable: () => driver.checkWritable?.() ?? Promise.resolve() } : {}),
    ...(driver.onMaintenance ? { onMaintenance: (listener) => driver.onMaintenance?.(listener) ?? (() => {}) } : {}),
    async ensure(name, schema) {
      if (!(await find(name))) await driver.create(checkCollectionName(name), schema)
      checkSameSchema(name, (await open(name)).at.schema, schema)
    },
    list: async () => [...(await driver.list())].sort(),
    async info(name) {
      const found = await find(name)
      if (!found) return undefined
      const { collection, at } = found
      return {
        name: collection,
        schema: at.schema,
        points: await at.count({ unit: 'points' }),
        bytes: await at.bytes?.(),
      }
    },
    schema: async (name) => (await find(name))?.at.schema,
    drop: async (name) => driver.drop((await open(name)).collection),
    aliases: all,
    async alias(alias, name) {
      if (name === undefined) return aliases?.set(alias, undefined)
      if (!aliases) throw withoutAliases(where)
      const { collection } = await open(name)
      if (await driver.open(checkCollectionName(alias)))
        throw new QontrastError('invalid-option', `'${alias}' is the name of a collection; choose another alias.`)
      return aliases.set(alias, collection)
    },
    ...callsOn(on),
    within: (signal) => abandoning(store, signal),
    close,
    [Symbol.asyncDispose]: close,
  }
  return store
}

type On = <Args extends unknown[], Result>(
  call: (at: CollectionDriver, ...args: Args) => Promise<Result>,
) => (name: string, ...args: Args) => Promise<Result>

/** The calls on one collection, each as the contract has it, made of what a driver does. */
function callsOn(on: On) {
  return {
    upsert: on(async (at, points: readonly Point[], { onlyNew = false }: { onlyNew?: boolean } = {}) => {
      for (const point of points) checkPoint(point, at.schema)
      const distinct = [...new Map(points.map((point) => [point.id, point])).values()]
      if (distinct.length > 0) await at.upsert(distinct, { onlyNew })
    }),
    get: on(async (at, selector: Selector, options: { vectors?: boolean; limit?: number } = {}) => {
      const points = await at.get(selector, { vectors: options.vectors ?? false })
      return points.toSorted(byDocumentThenChunk).slice(0, options.limit).map(withoutWriter)
    }),
    keys: on(async (at, documents: readonly string[]) => {
      if (documents.length === 0) return []
      if (at.keys) return [...(await at.keys(documents))]
      return (await at.get({ documents }, { vectors: false })).map(keyOf)
    }),
    delete: on((at, selector: Selector) => at.delete(selector)),
    query: on((at, query: StoreQuery) => queryCollection(rankable(at), query)),
    queryMany: on(async (at, queries: readonly StoreQuery[]) => {
      if (at.queryMany) return at.queryMany(queries)
      const answers: ScoredPoint[][] = []
      for (const query of queries) answers.push(await queryCollection(rankable(at), query))
      return answers
    }),
    count: on((at, { unit = 'points', filter }: { filter?: Filter; unit?: 'points' | 'documents' } = {}) =>
      at.count({ unit, ...(filter ? { filter } : {}) }),
    ),
    scroll: on(async (at, options: Partial<WalkOptions> = {}): Promise<ScrollPage> => {
      const { points, cursor } = await at.scroll({ limit: walkLimit, ...options })
      return { points: points.map(withoutWriter), cursor }
    }),
    scrollKeys: on(async (at, options: Partial<WalkOptions> = {}) => {
      if (at.scrollKeys) return at.scrollKeys({ limit: walkLimit, ...options })
      const { points, cursor } = await at.scroll({ limit: walkLimit, ...options })
      return { keys: points.map(keyOf), cursor }
    }),
    markSeen: on(async (at, documents: readonly string[], seen: number) => {
      if (documents.length > 0) await at.markSeen(documents, seen)
    }),
    optimize: on(
      async (at, { when = 'now', signal }: { signal?: AbortSignal; when?: 'now' | 'due' | 'background' } = {}) =>
        at.optimize?.({ when, ...(signal ? { signal } : {}) }),
    ),
  }
}

function rankable(at: CollectionDriver) {
  return {
    rank: (side: Side, options: RankOptions) => at.rank(side, options),
    get: async (selector: Selector) => (await at.get(selector, { vectors: false })).map(withoutWriter),
  }
}

/** `invalid-option` for a store that cannot give a collection another name. */
function withoutAliases(where: string): QontrastError {
  return new QontrastError(
    'invalid-option',
    `${where} has no aliases, so an index there keeps its collection. To change it, copy it to a store that has them, or index again.`,
  )
}

function keyOf({ id, documentId, chunk, chunks, hash, writer }: StoredPoint): PointKey {
  return { id, documentId, chunk, chunks, hash, ...(writer === undefined ? {} : { writer }) }
}

function withoutWriter({ writer: _, ...point }: StoredPoint): ScrollPage['points'][number] {
  return point
}

function byDocumentThenChunk(a: PointRecord, b: PointRecord): number {
  return a.documentId < b.documentId ? -1 : a.documentId > b.documentId ? 1 : a.chunk - b.chunk
}
