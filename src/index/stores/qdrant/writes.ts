import type { Schemas } from '@qdrant/js-client-rest'
import { isQontrastError } from '../../../shared/index.ts'
import { checkPoint } from '../check.ts'
import type { VectorStore } from '../store.ts'
import type { Access } from './access.ts'
import { cutInBatches, inParallel, piecesOf } from './batches.ts'
import { recordKey } from './layout.ts'
import { checkKeys, toPointStruct } from './records.ts'
import { documentIn, notSeenSince } from './selection.ts'
import { withUsualTerms } from './usual-terms.ts'
import { countPoints } from './walk.ts'

type UpsertFilter = { readonly update_filter?: Schemas['Filter'] }

const parallelBatches = 3
const waited = { wait: true } as const

/** What writes. */
export function createWrites({
  connection,
  options,
  described,
  onWritable,
  walkOf,
  selecting,
}: Access): Pick<VectorStore, 'upsert' | 'delete' | 'markSeen'> {
  const writes = options.ordering === undefined ? waited : { ...waited, ordering: options.ordering }

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

  return {
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

    markSeen: (name, documents, seen) =>
      onWritable(name, async ({ layout, limits }) => {
        for (const piece of piecesOf(documents, limits.values)) {
          const filter = { must: [documentIn(piece, layout), notSeenSince(seen)] }
          await connection.call(name, (client) =>
            client.setPayload(name, { ...writes, filter, key: recordKey, payload: { seen } }),
          )
        }
      }),
  }
}
