import type { Schemas } from '@qdrant/js-client-rest'
import type { Described } from './collections.ts'
import type { Connection } from './connection.ts'
import type { QdrantOptions } from './options.ts'
import { foreignId } from './point-id.ts'

/** What is read of a collection, and where it is read. */
export interface Walk {
  readonly connection: Connection
  readonly name: string
  readonly described: Described
  readonly consistency: QdrantOptions['consistency']
}

export interface PageOptions {
  readonly filter: Schemas['Filter']
  readonly limit: number
  readonly cursor?: string | undefined
  readonly payload?: string[] | false
  readonly vectors?: boolean
}

/** Points of one page where whole walks are read. */
const pageSize = 1_000

/** One page in the order of Qdrant's ids; it may have fewer points than were asked for. */
export async function readPage(
  { connection, name, described: { limits }, consistency }: Walk,
  { filter, limit, cursor, payload, vectors }: PageOptions,
) {
  const { points, next_page_offset: next } = await connection.call(name, (client) =>
    client.scroll(name, {
      filter,
      limit: Math.min(limit, limits.page),
      with_payload: payload ?? true,
      with_vector: vectors ?? false,
      ...(cursor === undefined ? {} : { offset: foreignId(cursor) ?? cursor }),
      ...(consistency === undefined ? {} : { consistency }),
    }),
  )
  return { points, cursor: next === null || next === undefined ? undefined : String(next) }
}

/** Everything that one of the filters selects, at most so many. */
export async function readAll(
  walk: Walk,
  filters: Iterable<Schemas['Filter']>,
  options: Pick<PageOptions, 'payload' | 'vectors'>,
  most = Number.POSITIVE_INFINITY,
): Promise<Schemas['Record'][]> {
  const found: Schemas['Record'][] = []
  for (const filter of filters) {
    let cursor: string | undefined
    do {
      if (found.length >= most) return found
      const page = await readPage(walk, { ...options, filter, cursor, limit: Math.min(pageSize, most - found.length) })
      found.push(...page.points)
      cursor = page.cursor
    } while (cursor !== undefined)
  }
  return found
}

/** How many points a filter selects; where strict mode allows no exact count, they are walked over. */
export async function countPoints(walk: Walk, filter: Schemas['Filter']): Promise<number> {
  const { connection, name, described } = walk
  if (described.limits.exact) {
    const { count } = await connection.call(name, (client) => client.count(name, { filter, exact: true }))
    return count
  }
  let count = 0
  let cursor: string | undefined
  do {
    const page = await readPage(walk, { filter, cursor, payload: false, limit: described.limits.page })
    count += page.points.length
    cursor = page.cursor
  } while (cursor !== undefined)
  return count
}
