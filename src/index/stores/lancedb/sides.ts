import type { Table } from '@lancedb/lancedb'
import type { Scored } from '../ranking.ts'
import { floatsOf, rowsOf } from './columns.ts'

export interface SideOptions {
  readonly depth: number
  readonly where: string | undefined
}

/** The rows of the nearest points of a vector, best first. Rows alone: to read anything of them costs as much again. */
export async function rankDense(
  table: Table,
  vector: Float32Array,
  { depth, where, exact }: SideOptions & { readonly exact: boolean },
): Promise<Scored<bigint>[]> {
  const query = table.vectorSearch(vector).distanceType('cosine').limit(depth).select(['_distance']).withRowId()
  if (where !== undefined) query.where(where)
  if (exact) query.bypassVectorIndex()
  const found: Scored<bigint>[] = []
  for await (const batch of query) {
    const distances = floatsOf(batch, '_distance')
    for (const [i, ref] of rowsOf(batch).entries()) found.push({ ref, score: 1 - (distances[i] ?? 1) })
  }
  return found.sort(byScore)
}

/** The rows of the points that have most of the words, best first. */
export async function rankLexical(
  table: Table,
  terms: readonly string[],
  { depth, where }: SideOptions,
): Promise<Scored<bigint>[]> {
  if (terms.length === 0) return []
  const query = table
    .query()
    .fullTextSearch([...new Set(terms)].join(' '), { columns: ['terms'] })
    .limit(depth)
    .select(['_score'])
    .withRowId()
  if (where !== undefined) query.where(where)
  const found: Scored<bigint>[] = []
  for await (const batch of query) {
    const scores = floatsOf(batch, '_score')
    for (const [i, ref] of rowsOf(batch).entries()) found.push({ ref, score: scores[i] ?? 0 })
  }
  return found.sort(byScore)
}

function byScore(a: Scored<bigint>, b: Scored<bigint>): number {
  return b.score - a.score
}
