import type { Schemas } from '@qdrant/js-client-rest'
import { type ErrorCode, isQontrastError, QontrastError } from '../../shared/index.ts'
import type { Filter } from '../filter/index.ts'
import { checkPoint } from './check.ts'
import { indexNames, notFound } from './names.ts'
import { cutInBatches, inParallel, piecesOf } from './qdrant/batches.ts'
import { checkWritable, type Described, deferred, ensureCollection, findCollection } from './qdrant/collections.ts'
import { conditionOf } from './qdrant/condition.ts'
import { type Connection, connectTo } from './qdrant/connection.ts'
import type { Condition } from './qdrant/filter.ts'
import { recordKey } from './qdrant/layout.ts'
import { checkQdrantOptions, type QdrantOptions } from './qdrant/options.ts'
import { runQueries } from './qdrant/query.ts'
import { checkKeys, keyPaths, toPointKey, toPointStruct, toScrolled } from './qdrant/records.ts'
import { documentIn, firstChunk, notSeenSince, selected } from './qdrant/selection.ts'
import { withUsualTerms } from './qdrant/usual-terms.ts'
import { countPoints, readAll, readPage, type Walk } from './qdrant/walk.ts'
import type { PointRecord, Selector, VectorStore } from './store.ts'

export type { ForeignOptions, QdrantOptions } from './qdrant/options.ts'

type UpsertFilter = { readonly update_filter?: Schemas['Filter'] }

const scrollLimit = 1_000
const parallelBatches = 3
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
  return storeOn(connectTo(options), options, new Map())
}

function storeOn(connection: Connection, options: QdrantOptions, described: Map<string, Described>): VectorStore {
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

  const walkOf = (name: string, described: Described): Walk => ({
    connection,
    name,
    described,
    consistency: options.consistency,
  })

  /** The filter of a payload together with other conditions. */
  async function everyOf(
    name: string,
    described: Described,
    filter: Filter | undefined,
    others: readonly Condition[] = [],
  ): Promise<Schemas['Filter']> {
    return { must: [...others, ...(filter ? [await conditionOf(connection, name, described, filter)] : [])] }
  }

  /** What selects points, in pieces of as many ids as one filter takes. */
  async function selecting(name: string, described: Described, selector: Selector) {
    return 'filter' in selector
      ? [await everyOf(name, described, selector.filter)]
      : selected(selector, described.layout, described.limits.values)
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

  const queryMany: VectorStore['queryMany'] = (name, queries) =>
    on(name, (described) => runQueries({ connection, collection: name, described, options }, queries))

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
      const { layout, schema } = found
      return {
        name: (await aliases()).get(name) ?? name,
        schema,
        points: await countPoints(walkOf(name, found), {}),
        bytes: undefined,
        ...(layout.ours ? {} : { foreign: { vector: layout.vector, text: layout.text, payload: layout.payload } }),
      }
    },

    schema: async (name) => (await findCollection(connection, name, options))?.schema,

    async drop(name) {
      const collection = (await aliases()).get(name) ?? name
      const { exists } = await connection.call(collection, (client) => client.collectionExists(collection))
      if (!exists) throw await missing(name)
      await connection.call(collection, (client) => client.deleteCollection(collection))
      described.clear()
    },

    async upsert(name, points, { onlyNew = false } = {}) {
      if (points.length === 0) return
      const distinct = [...new Map(points.map((point) => [point.id, point])).values()]
      await onWritable(name, async (before) => {
        const { layout, schema, limits } = before
        for (const point of distinct) {
          checkPoint(point, schema)
          checkKeys(point, layout)
        }
        const found = await withUsualTerms(connection, name, { described: before, points: distinct, options })
        if (found !== before) described.set(name, found)
        const structs = distinct.map((point) => toPointStruct(point, layout, found.usualTerms))
        const documents = onlyNew ? distinct.map(({ documentId }) => documentId) : []
        const only = onlyNew ? { update_filter: { must_not: [documentIn([...new Set(documents)], layout)] } } : {}
        const batches = cutInBatches(structs, { dimensions: schema.dimensions, most: limits.upsert })
        await inParallel(batches, parallelBatches, (batch) => put(name, batch, only))
      })
    },

    get: (name, selector, { vectors = false, limit } = {}) =>
      on(name, async (found) => {
        const filters = await selecting(name, found, selector)
        const records = await readAll(walkOf(name, found), filters, { vectors }, limit)
        return records.map((record) => toScrolled(record, found.layout)).sort(byDocumentThenChunk)
      }),

    keys: (name, documents) =>
      on(name, async (found) => {
        const filters = selected({ documents }, found.layout, found.limits.values)
        return (await readAll(walkOf(name, found), filters, { payload: keyPaths })).map(toPointKey)
      }),

    delete: (name, selector) =>
      onWritable(name, async (found) => {
        let gone = 0
        for (const filter of await selecting(name, found, selector)) {
          const count = await countPoints(walkOf(name, found), filter)
          if (count > 0) await connection.call(name, (client) => client.delete(name, { ...writes, filter }))
          gone += count
        }
        return gone
      }),

    async query(name, query) {
      const [points = []] = await queryMany(name, [query])
      return points
    },

    queryMany,

    count: (name, { filter, unit = 'points' } = {}) =>
      on(name, async (found) => {
        const condition = await everyOf(name, found, filter, unit === 'documents' ? firstChunk(found.layout) : [])
        return countPoints(walkOf(name, found), condition)
      }),

    scroll: (name, { filter, limit = scrollLimit, cursor, vectors = false, seenBefore } = {}) =>
      on(name, async (found) => {
        const others = seenBefore === undefined ? [] : [notSeenSince(seenBefore)]
        const condition = await everyOf(name, found, filter, others)
        const page = await readPage(walkOf(name, found), { filter: condition, limit, cursor, vectors })
        return { points: page.points.map((record) => toScrolled(record, found.layout)), cursor: page.cursor }
      }),

    scrollKeys: (name, { filter, limit = scrollLimit, cursor } = {}) =>
      on(name, async (found) => {
        const condition = filter ? await everyOf(name, found, filter) : {}
        const page = await readPage(walkOf(name, found), { filter: condition, limit, cursor, payload: keyPaths })
        return { keys: page.points.map(toPointKey), cursor: page.cursor }
      }),

    markSeen: (name, documents, seen) =>
      onWritable(name, async ({ layout, limits }) => {
        for (const piece of piecesOf(documents, limits.values)) {
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

    async optimize(name) {
      const { layout, info, indexingThreshold } = await describe(name)
      if (!layout.ours || info.config.optimizer_config.indexing_threshold !== deferred) return
      await connection.call(name, (client) =>
        client.updateCollection(name, { optimizers_config: { indexing_threshold: indexingThreshold } }),
      )
    },

    within: (signal) => storeOn(connection.within(signal), options, described),

    close,
    [Symbol.asyncDispose]: close,
  }
}

function sameCollection(a: Described, b: Described): boolean {
  const told = ({ layout, schema, limits, info }: Described) => {
    const indexes = Object.keys(info.payload_schema).map((path) => [path, info.payload_schema[path]?.data_type])
    return [layout, schema, limits, indexes]
  }
  return JSON.stringify(told(a)) === JSON.stringify(told(b))
}

function byDocumentThenChunk(a: PointRecord, b: PointRecord): number {
  return a.documentId < b.documentId ? -1 : a.documentId > b.documentId ? 1 : a.chunk - b.chunk
}
