import type { Table } from '@lancedb/lancedb'
import { createPace, inLanes, throwIfAborted } from '../../../shared/index.ts'
import type { Filter } from '../../filter/index.ts'
import { reaches } from '../fusion.ts'
import type { Ranked } from '../ranking.ts'
import type { CollectionSchema, ScoredPoint, StoreQuery } from '../store.ts'
import { createTop, type Top } from '../top.ts'
import { dotAt, floatsOf, keysOf, rowsOf } from './columns.ts'
import { pointsOf } from './points.ts'
import { pageOf, runQuery, toSql } from './query.ts'

type DenseQuery = Extract<StoreQuery, { mode: 'dense' }>

/** From so many on, one walk over all vectors is faster than a search for each. */
const fewest = 8
/** Bytes of vectors that a walk is worth; beyond, each query asks the index. */
const mostBytes = 16e6
/** Hits that are kept of each query while walking. */
const deepest = 1_000
/** Queries of one call under way at once. */
const lanes = 4
/** Rows whose vectors stay in the processor's cache while all queries pass over them. */
const rowsAtOnce = 64

export interface ManyOptions {
  readonly queries: readonly StoreQuery[]
  /** Waits for a turn among all that reads. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  /** Once it fires, no other query is begun. */
  readonly signal: AbortSignal | undefined
}

/** What `runQuery` gives for each, a few at a time: dense ones compared with all vectors in one walk where that is faster. */
export async function runQueries(
  table: Table,
  schema: CollectionSchema,
  { queries, inTurn, signal }: ManyOptions,
): Promise<ScoredPoint[][]> {
  const results: ScoredPoint[][] = queries.map(() => [])
  const wheres = new Map<Filter, Promise<string>>()
  const whereOf = (filter: Filter | undefined) => {
    if (filter && !wheres.has(filter)) wheres.set(filter, toSql(table, schema, filter))
    return filter && wheres.get(filter)
  }
  const walked = new Map<Filter | undefined, { query: DenseQuery; at: number }[]>()
  const single: number[] = []
  const walkable = queries.filter(isWalkable).length >= fewest
  for (const [at, query] of queries.entries()) {
    if (!walkable || !isWalkable(query)) single.push(at)
    else walked.set(query.filter, [...(walked.get(query.filter) ?? []), { query, at }])
  }
  for (const [filter, group] of walked) {
    const own = group.map(({ query }) => query)
    const pages = await inTurn(async () =>
      walkFor(table, schema, { queries: own, where: await whereOf(filter), signal }),
    )
    if (!pages) single.push(...group.map(({ at }) => at))
    for (const [i, points] of (pages ?? []).entries()) results[group[i]?.at ?? 0] = points
  }
  await inLanes(single, lanes, (at) =>
    inTurn(async () => {
      const query = queries[at]
      if (query) results[at] = await runQuery(table, query, await whereOf(query.filter))
    }),
  )
  return results
}

interface WalkOptions {
  readonly queries: readonly DenseQuery[]
  readonly where: string | undefined
  readonly signal: AbortSignal | undefined
}

/** Pages of queries that have their filter in common; undefined where there is too much to walk over. */
async function walkFor(
  table: Table,
  schema: CollectionSchema,
  { queries, where, signal }: WalkOptions,
): Promise<ScoredPoint[][] | undefined> {
  if (!(await isSmall(table, schema, where))) return undefined
  const tops = await walk(table, queries, { where, dimensions: schema.dimensions, signal })
  const pages = queries.map((query, i) =>
    pageOf(
      (tops[i] ?? []).filter(({ scores }) => reaches(scores, query.minScores ?? {})),
      query,
    ),
  )
  return pointsOf(table).pages(pages)
}

function isWalkable(query: StoreQuery): query is DenseQuery {
  return query.mode === 'dense' && (query.offset ?? 0) + query.limit <= deepest
}

/** By what the filter leaves: how scores are rounded must not tell how much else there is. */
async function isSmall(table: Table, { dimensions }: CollectionSchema, where: string | undefined): Promise<boolean> {
  return (await table.countRows(where)) * dimensions * 4 <= mostBytes
}

async function walk(
  table: Table,
  queries: readonly DenseQuery[],
  { where, dimensions, signal }: { where: string | undefined; dimensions: number; signal: AbortSignal | undefined },
): Promise<Ranked<bigint>[][]> {
  const pace = createPace()
  const tops = queries.map(
    (query): Top<bigint> => createTop((query.offset ?? 0) + query.limit, query.groupByDocument ?? false),
  )
  const walking = table.query().select(['id', 'document', 'vector']).withRowId()
  if (where !== undefined) walking.where(where)
  for await (const batch of walking) {
    const vectors = floatsOf(batch, 'vector')
    const keys = keysOf(batch)
    const rows = rowsOf(batch)
    for (let start = 0; start < batch.numRows; start += rowsAtOnce) {
      const end = Math.min(batch.numRows, start + rowsAtOnce)
      for (const [i, { vector }] of queries.entries()) {
        const top = tops[i]
        if (!top) continue
        for (let row = start; row < end; row++) {
          const score = dotAt(vector, vectors, row * dimensions)
          if (score < top.least) continue
          const [key, ref] = [keys[row], rows[row]]
          if (key && ref !== undefined) top.offer({ ...key, ref, score })
        }
      }
      throwIfAborted(signal)
      await pace()
    }
  }
  return tops.map((top) => top.ranked().map((entry) => ({ ...entry, scores: { dense: entry.score } })))
}
