import type { Table } from '@lancedb/lancedb'
import { byScoreThenId } from '../fusion.ts'
import type { Found, FoundByWords } from '../hybrid.ts'
import { dotAt, floatsOf, keysOf } from './columns.ts'

export interface SideOptions {
  readonly depth: number
  readonly where: string | undefined
}

/** The nearest points of a vector, best first. */
export async function rankDense(
  table: Table,
  vector: Float32Array,
  { depth, where, exact }: SideOptions & { readonly exact: boolean },
): Promise<Found[]> {
  const query = table.vectorSearch(vector).distanceType('cosine').limit(depth).select(['id', 'document', '_distance'])
  if (where !== undefined) query.where(where)
  if (exact) query.bypassVectorIndex()
  const found: Found[] = []
  for await (const batch of query) {
    const distances = floatsOf(batch, '_distance')
    for (const [row, key] of keysOf(batch).entries()) found.push({ ...key, score: 1 - (distances[row] ?? 1) })
  }
  return found.sort(byScoreThenId)
}

/** The points that have most of the words, best first. With a vector, the cosines come along: reading the vectors of these rows costs less than to look them up. */
export async function rankLexical(
  table: Table,
  terms: readonly string[],
  { depth, where, vector }: SideOptions & { readonly vector?: Float32Array },
): Promise<FoundByWords[]> {
  if (terms.length === 0) return []
  const query = table
    .query()
    .fullTextSearch([...new Set(terms)].join(' '), { columns: ['terms'] })
    .limit(depth)
    .select(['id', 'document', '_score', ...(vector ? ['vector'] : [])])
  if (where !== undefined) query.where(where)
  const found: FoundByWords[] = []
  for await (const batch of query) {
    const scores = floatsOf(batch, '_score')
    const vectors = vector && floatsOf(batch, 'vector')
    for (const [row, key] of keysOf(batch).entries()) {
      const cosine = vector && vectors && cosineAt(vector, vectors, row * vector.length)
      found.push({ ...key, score: scores[row] ?? 0, cosine })
    }
  }
  return found.sort(byScoreThenId)
}

/** A stored vector of zeros, of a text that the encoder understood nothing of, is near to nothing. */
function cosineAt(vector: Float32Array, vectors: Float32Array, from: number): number {
  const stored = vectors.subarray(from, from + vector.length)
  const squares = dotAt(stored, stored, 0) * dotAt(vector, vector, 0)
  return squares === 0 ? 0 : dotAt(vector, stored, 0) / Math.sqrt(squares)
}
