import type { Schemas } from '@qdrant/js-client-rest'
import { type ErrorCode, isQontrastError, QontrastError, throwIfAborted } from '../../shared/index.ts'
import { checkPoint } from '../check.ts'
import type { Filter } from '../filter.ts'
import { indexNames, notFound } from '../names.ts'
import type { PointRecord, Selector, VectorStore } from '../store.ts'
import { cutInBatches, inParallel, piecesOf } from './qdrant/batches.ts'
import { checkWritable, type Described, deferred, ensureCollection, findCollection } from './qdrant/collections.ts'
import { conditionOf } from './qdrant/condition.ts'
import { connectTo } from './qdrant/connection.ts'
import type { Condition } from './qdrant/filter.ts'
import { type Layout, recordKey } from './qdrant/layout.ts'
import { checkQdrantOptions, type QdrantOptions } from './qdrant/options.ts'
import { foreignId } from './qdrant/point-id.ts'
import { type QueryPlace, runQueries, runQuery } from './qdrant/query.ts'
import { checkKeys, keyPaths, toPointKey, toPointStruct, toScrolled } from './qdrant/records.ts'
import { documentIn, firstChunk, notSeenSince, selected } from './qdrant/selection.ts'

export type { ForeignOptions, QdrantOptions } from './qdrant/options.ts'

type UpsertFilter = { readonly update_filter?: Schemas['Filter'] }

const scrollLimit = 1_000
const parallelBatches = 3
/** Ids in one filter. */
const mostIds = 1_000
const waited = { wait: true } as const
/** How a call may fail where what is known of its collection is out of date. */
const perhapsStale: ReadonlySet<ErrorCode> = new Set([
  'index-not-found',
  'dimension-mismatch',
  'invalid-input',
  'invalid-option',
  'store-failed',
])

/** A Qdrant server, 1.16 or newer: `qdrant({ url: 'http://localhost:6333' })`. */
export function qdrant(options: QdrantOptions): VectorStore {
  checkQdrantOptions(options)
  const connection = connectTo(options)
  const described = new Map<string, Described>()
  const reads = options.consistency === undefined ? {} : { consistency: options.consistency }
  const writes = options.ordering === undefined ? waited : { ...waited, ordering: options.ordering }

  async function describe(name: string): Promise<Described> {
    const found = await findCollection(connection, name, options)
    if (!found) throw await missing(name)
    described.set(name, found)
    return found
  }

  async function missing(name: string): Promise<QontrastError> {
    return notFound(name, connection.server, indexNames(await list(), await aliases()))
  }

  /** Runs work on what is known of a collection; where that fails because it was remade or an alias moved, once more on what is there now. */
  async function on<T>(name: string, work: (described: Described) => Promise<T>): Promise<T> {
    const known = described.get(name)
    if (!known) return work(await describe(name))
    try {
      return await work(known)
    } catch (error) {
      described.delete(name)
      if (!isQontrastError(error) || !perhapsStale.has(error.code)) throw error
      const fresh = await describe(name)
      if (sameCollection(fresh, known)) throw error
      return work(fresh)
    }
  }

  async function onWritable<T>(name: string, work: (described: Described) => Promise<T>): Promise<T> {
    return on(name, (collection) => {
      if (!collection.layout.ours) checkWritable(name, options)
      return work(collection)
    })
  }

  async function list(): Promise<string[]> {
    const { collections } = await connection.call(undefined, (client) => client.getCollections())
    return collections.map(({ name }) => name).sort()
  }

  async function aliases(): Promise<Map<string, string>> {
    const all = await connection.call(undefined, (client) => client.getAliases())
    return new Map(all.aliases.map(({ alias_name, collection_name }) => [alias_name, collection_name]))
  }

  /** The filter of a payload together with other conditions. */
  async function everyOf(name: string, layout: Layout, filter: Filter | undefined, others: readonly Condition[]) {
    return { must: [...others, ...(filter ? [await conditionOf(connection, name, layout, filter)] : [])] }
  }

  /** What selects points, in pieces of at most so many ids. */
  async function selecting(name: string, layout: Layout, selector: Selector): Promise<Iterable<Schemas['Filter']>> {
    return 'filter' in selector
      ? [await everyOf(name, layout, selector.filter, [])]
      : selected(selector, layout, mostIds)
  }

  interface Walk {
    readonly filter: Schemas['Filter']
    readonly limit: number
    readonly cursor?: string | undefined
    readonly payload?: string[]
    readonly vectors?: boolean
  }

  /** One page in the order of Qdrant's ids. */
  async function page(name: string, { filter, limit, cursor, payload, vectors }: Walk) {
    const { points, next_page_offset: next } = await connection.call(name, (client) =>
      client.scroll(name, {
        filter,
        limit,
        with_payload: payload ?? true,
        with_vector: vectors ?? false,
        ...(cursor === undefined ? {} : { offset: foreignId(cursor) ?? cursor }),
        ...reads,
      }),
    )
    return { points, cursor: next === null || next === undefined ? undefined : String(next) }
  }

  /** Everything that one of the filters selects, at most so many. */
  async function all(
    name: string,
    filters: Iterable<Schemas['Filter']>,
    walk: Pick<Walk, 'payload' | 'vectors'>,
    most = Infinity,
  ): Promise<Schemas['Record'][]> {
    const found: Schemas['Record'][] = []
    for (const filter of filters) {
      let cursor: string | undefined
      do {
        if (found.length >= most) return found
        const next = await page(name, { ...walk, filter, cursor, limit: Math.min(scrollLimit, most - found.length) })
        found.push(...next.points)
        cursor = next.cursor
      } while (cursor !== undefined)
    }
    return found
  }

  /** Points of one batch; where the server takes less at once, in halves. */
  async function put(name: string, points: Schemas['PointStruct'][], only: UpsertFilter = {}): Promise<void> {
    try {
      await connection.call(name, (client) => client.upsert(name, { ...writes, ...only, points }))
    } catch (error) {
      if (points.length < 2 || !isQontrastError(error, 'invalid-input')) throw error
      const middle = points.length >> 1
      await put(name, points.slice(0, middle), only)
      await put(name, points.slice(middle), only)
    }
  }

  const placeOf = (collection: string, { layout }: Described): QueryPlace => ({
    connection,
    collection,
    layout,
    options,
  })

  const close = async () => connection.close()

  return {
    name: `qdrant:${connection.server}`,
    capabilities: { aliases: true, approximate: true, upkeep: false },

    async ensure(name, schema) {
      described.set(name, await ensureCollection(connection, name, schema, options))
    },

    list,

    async info(name) {
      const found = await findCollection(connection, name, options)
      if (!found) return undefined
      const { count } = await connection.call(name, (client) => client.count(name, { exact: true }))
      return {
        name: (await aliases()).get(name) ?? name,
        schema: found.schema,
        points: count,
        bytes: undefined,
      }
    },

    schema: async (name) => (await findCollection(connection, name, options))?.schema,

    async drop(name) {
      const collection = (await aliases()).get(name) ?? name
      await describe(collection)
      await connection.call(collection, (client) => client.deleteCollection(collection))
      described.clear()
    },

    async upsert(name, points, { onlyNew = false } = {}) {
      if (points.length === 0) return
      const distinct = [...new Map(points.map((point) => [point.id, point])).values()]
      await onWritable(name, async ({ layout, schema }) => {
        for (const point of distinct) {
          checkPoint(point, schema)
          checkKeys(point, layout)
        }
        const structs = distinct.map((point) => toPointStruct(point, layout))
        const documents = onlyNew ? distinct.map(({ documentId }) => documentId) : []
        const only = onlyNew ? { update_filter: { must_not: [documentIn([...new Set(documents)], layout)] } } : {}
        await inParallel(cutInBatches(structs, schema.dimensions), parallelBatches, (batch) => put(name, batch, only))
      })
    },

    get: (name, selector, { vectors = false, limit } = {}) =>
      on(name, async ({ layout }) => {
        const records = await all(name, await selecting(name, layout, selector), { vectors }, limit)
        return records.map((record) => toScrolled(record, layout)).sort(byDocumentThenChunk)
      }),

    keys: (name, documents) =>
      on(name, async ({ layout }) => {
        const records = await all(name, selected({ documents }, layout, mostIds), { payload: keyPaths })
        return records.map(toPointKey)
      }),

    delete: (name, selector) =>
      onWritable(name, async ({ layout }) => {
        let gone = 0
        for (const filter of await selecting(name, layout, selector)) {
          const { count } = await connection.call(name, (client) => client.count(name, { filter, exact: true }))
          if (count > 0) await connection.call(name, (client) => client.delete(name, { ...writes, filter }))
          gone += count
        }
        return gone
      }),

    query: (name, query) => on(name, (described) => runQuery(placeOf(name, described), query)),

    queryMany: (name, queries) => on(name, (described) => runQueries(placeOf(name, described), queries)),

    count: (name, { filter, unit = 'points' } = {}) =>
      on(name, async ({ layout }) => {
        const condition = await everyOf(name, layout, filter, unit === 'documents' ? [firstChunk(layout)] : [])
        const { count } = await connection.call(name, (client) =>
          client.count(name, { filter: condition, exact: true }),
        )
        return count
      }),

    scroll: (name, { filter, limit = scrollLimit, cursor, vectors = false, seenBefore } = {}) =>
      on(name, async ({ layout }) => {
        const others = seenBefore === undefined ? [] : [notSeenSince(seenBefore)]
        const condition = await everyOf(name, layout, filter, others)
        const { points, cursor: next } = await page(name, { filter: condition, limit, cursor, vectors })
        return { points: points.map((record) => toScrolled(record, layout)), cursor: next }
      }),

    scrollKeys: (name, { filter, limit = scrollLimit, cursor } = {}) =>
      on(name, async ({ layout }) => {
        const condition = filter ? await everyOf(name, layout, filter, []) : {}
        const { points, cursor: next } = await page(name, { filter: condition, limit, cursor, payload: keyPaths })
        return { keys: points.map(toPointKey), cursor: next }
      }),

    markSeen: (name, documents, seen) =>
      onWritable(name, async ({ layout }) => {
        for (const piece of piecesOf(documents, mostIds)) {
          const filter = { must: [documentIn(piece, layout), notSeenSince(seen)] }
          await connection.call(name, (client) =>
            client.setPayload(name, { ...writes, filter, key: recordKey, payload: { seen } }),
          )
        }
      }),

    aliases,

    async alias(alias, collection) {
      const target = collection === undefined ? undefined : ((await aliases()).get(collection) ?? collection)
      if (target !== undefined) {
        if ((await list()).includes(alias))
          throw new QontrastError('invalid-option', `'${alias}' is the name of an index; choose another alias.`)
        await describe(target)
      }
      await connection.call(alias, (client) =>
        client.updateCollectionAliases({
          actions: [
            { delete_alias: { alias_name: alias } },
            ...(target === undefined ? [] : [{ create_alias: { alias_name: alias, collection_name: target } }]),
          ],
        }),
      )
      described.delete(alias)
    },

    async optimize(name, { signal } = {}) {
      throwIfAborted(signal)
      const { layout, info, indexingThreshold } = await describe(name)
      if (!layout.ours || info.config.optimizer_config.indexing_threshold !== deferred) return
      await connection.call(name, (client) =>
        client.updateCollection(name, { optimizers_config: { indexing_threshold: indexingThreshold } }),
      )
    },

    close,
    [Symbol.asyncDispose]: close,
  }
}

function sameCollection(a: Described, b: Described): boolean {
  return JSON.stringify([a.layout, a.schema]) === JSON.stringify([b.layout, b.schema])
}

function byDocumentThenChunk(a: PointRecord, b: PointRecord): number {
  return a.documentId < b.documentId ? -1 : a.documentId > b.documentId ? 1 : a.chunk - b.chunk
}
