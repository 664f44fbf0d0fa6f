import type { Schemas } from '@qdrant/js-client-rest'
import { type Filter, type Leaf, matchesFilter } from '../../filter.ts'
import type { Connection } from './connection.ts'
import { type Condition, compileFilter, needsReading, payloadPath } from './filter.ts'
import type { Layout } from './layout.ts'
import { toPayload } from './records.ts'

const pageSize = 10_000

/** The condition of a filter on a collection; what Qdrant cannot ask for is found by reading the field of every point that has it. */
export async function conditionOf(
  connection: Connection,
  collection: string,
  layout: Layout,
  filter: Filter,
): Promise<Condition> {
  const found = new Map<Leaf, Schemas['ExtendedPointId'][]>()
  for (const leaf of needsReading(filter)) {
    if (!found.has(leaf)) found.set(leaf, await idsMatching(connection, collection, layout, leaf))
  }
  return compileFilter(filter, layout, found)
}

async function idsMatching(
  connection: Connection,
  collection: string,
  layout: Layout,
  leaf: Leaf,
): Promise<Schemas['ExtendedPointId'][]> {
  const ids: Schemas['ExtendedPointId'][] = []
  const key = payloadPath(leaf.field, layout)
  let offset: Schemas['ExtendedPointId'] | undefined
  do {
    const { points, next_page_offset: next } = await connection.call(collection, (client) =>
      client.scroll(collection, {
        filter: { must_not: [{ is_empty: { key } }] },
        limit: pageSize,
        with_payload: [key],
        ...(offset === undefined ? {} : { offset }),
      }),
    )
    for (const point of points) if (matchesFilter(leaf, toPayload(point, layout))) ids.push(point.id)
    offset = typeof next === 'string' || typeof next === 'number' ? next : undefined
  } while (offset !== undefined)
  return ids
}
