import type { Table } from '@lancedb/lancedb'
import { isKind, QontrastError } from '../../../shared/index.ts'
import type { Filter } from '../../filter.ts'
import { reaches } from '../../fusion.ts'
import type { Ranked } from '../../hybrid.ts'
import type { CollectionSchema, ScoredPoint, StoreQuery } from '../../store.ts'
import { createTop, type Top } from '../../top.ts'
import { pageOf, runQuery, toSql, withRecords } from './query.ts'

type DenseQuery = Extract<StoreQuery, { mode: 'dense' }>

/** From so many on, one walk over all vectors is faster than a search for each. */
const fewest = 8
/** Bytes of vectors that a walk is worth; beyond, each query asks the index. */
const mostBytes = 16e6
/** Hits that are kept of each query while walking. */
const deepest = 1_000
/** Queries under way at once. */
const parallel = 16
/** Rows whose vectors stay in the processor's cache while all queries pass over them. */
const rowsAtOnce = 64

/** What `runQuery` gives for each: dense ones compared with all vectors in one walk where that is faster. */
export async function runQueries(
  table: Table,
  schema: CollectionSchema,
  queries: readonly StoreQuery[],
): Promise<ScoredPoint[][]> {
  const results: ScoredPoint[][] = queries.map(() => [])
  const walked = new Map<Filter | undefined, { query: DenseQuery; at: number }[]>()
  const single: number[] = []
  const walkable = queries.filter(isWalkable).length >= fewest
  for (const [at, query] of queries.entries()) {
    if (!walkable || !isWalkable(query)) single.push(at)
    else walked.set(query.filter, [...(walked.get(query.filter) ?? []), { query, at }])
  }
  for (const [filter, group] of walked) {
    const where = filter && (await toSql(table, schema, filter))
    if (!(await isSmall(table, schema, where))) {
      single.push(...group.map(({ at }) => at))
      continue
    }
    const tops = await walk(
      table,
      group.map(({ query }) => query),
      where,
      schema.dimensions,
    )
    const pages = group.map(({ query }, i) =>
      pageOf(
        (tops[i] ?? []).filter(({ scores }) => reaches(scores, query.minScores ?? {})),
        query,
      ),
    )
    for (const [i, points] of (await withRecords(table, pages)).entries()) results[group[i]?.at ?? 0] = points
  }
  const queue = single.values()
  const lane = async () => {
    for (const at of queue) {
      const query = queries[at]
      if (query) results[at] = await runQuery(table, schema, query)
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, single.length) }, lane))
  return results
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
  where: string | undefined,
  dimensions: number,
): Promise<Ranked[][]> {
  const tops = queries.map((query): Top => createTop((query.offset ?? 0) + query.limit, query.groupByDocument ?? false))
  const walking = table.query().select(['id', 'document', 'vector'])
  if (where !== undefined) walking.where(where)
  for await (const batch of walking) {
    const ids = batch.getChild('id')
    const documents = batch.getChild('document')
    const vectors: unknown = batch.getChild('vector')?.getChildAt(0)?.toArray()
    if (!ids || !documents || !isKind(vectors, 'Float32Array'))
      throw new QontrastError('internal', 'internal: a batch without vectors.')
    const names: { id: string; document: string }[] = Array.from({ length: batch.numRows }, (_, row) => ({
      id: String(ids.get(row)),
      document: String(documents.get(row)),
    }))
    for (let start = 0; start < batch.numRows; start += rowsAtOnce) {
      const end = Math.min(batch.numRows, start + rowsAtOnce)
      for (const [i, { vector }] of queries.entries()) {
        const top = tops[i]
        if (!top) continue
        for (let row = start; row < end; row++) {
          const score = dotAt(vector, vectors, row * dimensions)
          if (score < top.least) continue
          const name = names[row]
          if (name) top.offer(name.id, name.document, score)
        }
      }
    }
    await new Promise(setImmediate)
  }
  return tops.map((top) =>
    top.ranked().map(({ id, document, score }) => ({ id, document, score, scores: { dense: score } })),
  )
}

/** Four sums at once, which do not wait for each other. */
function dotAt(query: Float32Array, vectors: Float32Array, from: number): number {
  const length = query.length
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i + 3 < length; i += 4) {
    a += query[i]! * vectors[from + i]!
    b += query[i + 1]! * vectors[from + i + 1]!
    c += query[i + 2]! * vectors[from + i + 2]!
    d += query[i + 3]! * vectors[from + i + 3]!
  }
  for (; i < length; i++) a += query[i]! * vectors[from + i]!
  return a + b + (c + d)
}
