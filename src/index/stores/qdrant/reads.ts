import type { PointRecord, VectorStore } from '../store.ts'
import type { Access } from './access.ts'
import { runQueries } from './query.ts'
import { keyPaths, toPointKey, toScrolled } from './records.ts'
import { firstChunk, notSeenSince, selected } from './selection.ts'
import { countPoints, readAll, readPage } from './walk.ts'

type Reads = Pick<VectorStore, 'get' | 'keys' | 'query' | 'queryMany' | 'count' | 'scroll' | 'scrollKeys'>

const scrollLimit = 1_000

/** What reads. */
export function createReads({ connection, options, on, walkOf, everyOf, selecting }: Access): Reads {
  const queryMany: VectorStore['queryMany'] = (name, queries) =>
    on(name, (described) => runQueries({ connection, collection: name, described, options }, queries))

  return {
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
  }
}

function byDocumentThenChunk(a: PointRecord, b: PointRecord): number {
  return a.documentId < b.documentId ? -1 : a.documentId > b.documentId ? 1 : a.chunk - b.chunk
}
