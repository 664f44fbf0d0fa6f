import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import type { ScoredPoint, StoreQuery } from '../../store.ts'
import { conditionOf } from './condition.ts'
import type { Connection } from './connection.ts'
import type { Condition } from './filter.ts'
import type { Layout } from './layout.ts'
import type { QdrantOptions } from './options.ts'
import { toPointRecord } from './records.ts'
import { queryVector } from './sparse.ts'

/** Points of each ranking that take part in fusion, unless more are asked for. */
const fusionDepth = 200
/** Qdrant counts ranks from 0, so this is 1 / (60 + rank) with ranks from 1. */
const rankConstant = 61

/** Qdrant's score as a cosine; vectors are of unit length. */
const cosines: Readonly<Partial<Record<Schemas['Distance'], (score: number) => number>>> = {
  Euclid: (distance) => 1 - distance ** 2 / 2,
}

/** One call to the server; when points are grouped and documents are still missing, another that goes deeper. */
export async function runQuery(
  connection: Connection,
  collection: string,
  layout: Layout,
  query: StoreQuery,
  options: QdrantOptions,
): Promise<ScoredPoint[]> {
  const { limit, offset = 0, groupByDocument = false } = query
  if (query.mode !== 'dense') {
    checkLexical(collection, layout, query.mode)
    if (query.mode === 'bm25' && query.terms.length === 0) return []
  }
  const wanted = offset + limit
  const condition = query.filter && (await conditionOf(connection, collection, layout, query.filter))
  for (let depth = groupByDocument ? wanted * 4 : wanted; ; depth *= 4) {
    const request = toRequest(query, condition, layout, depth, options)
    const { points } = await connection.call(collection, (client) => client.query(collection, request))
    const ranked = points.map((point) => toScored(point, layout, query.mode)).sort(byScoreThenPoint)
    const kept = groupByDocument ? bestOfDocument(ranked) : ranked
    if (kept.length >= wanted || points.length < depth) return kept.slice(offset, wanted)
  }
}

function checkLexical(collection: string, layout: Layout, mode: StoreQuery['mode']): void {
  if (layout.lexical !== undefined) return
  throw new QontrastError(
    'invalid-option',
    `Collection '${collection}' was made by something else and has no words to rank by, so mode ${mode} finds nothing. Search it with mode dense.`,
  )
}

function toRequest(
  query: StoreQuery,
  condition: Condition | undefined,
  layout: Layout,
  limit: number,
  { search, consistency }: QdrantOptions,
): Schemas['QueryRequest'] & { consistency?: Schemas['ReadConsistency'] } {
  const common = {
    ...(condition ? { filter: { must: [condition] } } : {}),
    params: { ...search, exact: query.exact ?? false },
  }
  const dense = (vector: Float32Array) => ({
    ...common,
    query: Array.from(vector),
    ...(layout.vector === '' ? {} : { using: layout.vector }),
  })
  const lexical = (terms: readonly string[]) => ({ ...common, query: queryVector(terms), using: layout.lexical ?? '' })
  const rest = { limit, with_payload: true, ...(consistency === undefined ? {} : { consistency }) }
  if (query.mode === 'dense') return { ...dense(query.vector), ...rest }
  if (query.mode === 'bm25') return { ...lexical(query.terms), ...rest }
  const depth = Math.max(fusionDepth, limit)
  const rankings = [dense(query.vector), ...(query.terms.length > 0 ? [lexical(query.terms)] : [])]
  return {
    prefetch: rankings.map((ranking) => ({ ...ranking, limit: depth })),
    query: { rrf: { k: rankConstant } },
    ...rest,
  }
}

function toScored(point: Schemas['ScoredPoint'], layout: Layout, mode: StoreQuery['mode']): ScoredPoint {
  const toCosine = mode === 'dense' ? cosines[layout.distance] : undefined
  return { score: toCosine ? toCosine(point.score) : point.score, point: toPointRecord(point, layout) }
}

function byScoreThenPoint(a: ScoredPoint, b: ScoredPoint): number {
  return b.score - a.score || (a.point.id < b.point.id ? -1 : a.point.id > b.point.id ? 1 : 0)
}

function bestOfDocument(ranked: readonly ScoredPoint[]): ScoredPoint[] {
  const best = new Map<string, ScoredPoint>()
  for (const scored of ranked) {
    if (!best.has(scored.point.documentId)) best.set(scored.point.documentId, scored)
  }
  return [...best.values()]
}
