import type { Table } from '@lancedb/lancedb'
import { type Filter, type Leaf, matchesFilter } from '../../filter.ts'
import { byScoreThenId, reciprocalRankFusion } from '../../fusion.ts'
import type { CollectionSchema, ScoredPoint, StoreQuery } from '../../store.ts'
import { filterToSql, idIn } from './filter-sql.ts'
import { recordColumns, toPointRecord } from './rows.ts'

/** Points of each ranking that take part in fusion, unless more are asked for. */
const fusionDepth = 200

/** Ranks points, groups them if asked to, and reads the records of those on the page. */
export async function runQuery(table: Table, schema: CollectionSchema, query: StoreQuery): Promise<ScoredPoint[]> {
  const { limit, offset = 0, filter, groupByDocument = false, exact = false } = query
  const where = filter && (await toSql(table, schema, filter))
  const wanted = offset + limit
  let ranked: Ranked[] = []

  for (let depth = groupByDocument ? wanted * 3 : wanted; ; depth *= 4) {
    const found = await rank(table, query, { depth, where, exact })
    ranked = groupByDocument ? bestOfDocument(found.ranked) : found.ranked
    if (ranked.length >= wanted || found.exhausted) break
  }

  const chosen = ranked.slice(offset, wanted)
  if (chosen.length === 0) return []
  const rows = await table
    .query()
    .where(idIn(chosen.map(({ id }) => id)))
    .select(['id', ...recordColumns])
    .toArray()
  const records = new Map(rows.map((row) => [String(row.id), toPointRecord(row)]))
  return chosen.flatMap(({ id, score }) => {
    const point = records.get(id) // gone, if it was deleted in between
    return point ? [{ score, point }] : []
  })
}

interface Ranked {
  readonly id: string
  readonly document: string
  readonly score: number
}

interface RankOptions {
  readonly depth: number
  readonly where: string | undefined
  readonly exact: boolean
}

/** The best points; `exhausted` where there are no more than these. */
async function rank(
  table: Table,
  query: StoreQuery,
  options: RankOptions,
): Promise<{ ranked: Ranked[]; exhausted: boolean }> {
  switch (query.mode) {
    case 'dense': {
      const ranked = await rankDense(table, query.vector, options)
      return { ranked, exhausted: ranked.length < options.depth }
    }
    case 'bm25': {
      const ranked = await rankLexical(table, query.terms, options)
      return { ranked, exhausted: ranked.length < options.depth }
    }
    case 'hybrid': {
      const depth = Math.max(fusionDepth, options.depth)
      const rankings = await Promise.all([
        rankDense(table, query.vector, { ...options, depth }),
        rankLexical(table, query.terms, { ...options, depth }),
      ])
      const documents = new Map(rankings.flat().map(({ id, document }) => [id, document]))
      const fused = reciprocalRankFusion(rankings.map((ranking) => ranking.map(({ id }) => id)))
      return {
        ranked: fused.map(({ id, score }) => ({ id, score, document: documents.get(id) ?? id })),
        exhausted: rankings.every((ranking) => ranking.length < depth),
      }
    }
  }
}

async function rankDense(table: Table, vector: Float32Array, { depth, where, exact }: RankOptions): Promise<Ranked[]> {
  const query = table.vectorSearch(vector).distanceType('cosine').limit(depth).select(['id', 'document', '_distance'])
  if (where !== undefined) query.where(where)
  if (exact) query.bypassVectorIndex()
  const rows = await query.toArray()
  return rows.map(({ id, document, _distance }) => ({ id, document, score: 1 - _distance })).sort(byScoreThenId)
}

async function rankLexical(table: Table, terms: readonly string[], { depth, where }: RankOptions): Promise<Ranked[]> {
  if (terms.length === 0) return []
  const text = [...new Set(terms)].join(' ')
  const query = table
    .query()
    .fullTextSearch(text, { columns: ['terms'] })
    .limit(depth)
    .select(['id', 'document', '_score'])
  if (where !== undefined) query.where(where)
  const rows = await query.toArray()
  return rows.map(({ id, document, _score }) => ({ id, document, score: _score })).sort(byScoreThenId)
}

function bestOfDocument(ranked: readonly Ranked[]): Ranked[] {
  const best = new Map<string, Ranked>()
  for (const point of ranked) if (!best.has(point.document)) best.set(point.document, point)
  return [...best.values()]
}

/** The predicate of a filter on this table. */
export function toSql(table: Table, schema: CollectionSchema, filter: Filter): Promise<string> {
  return filterToSql(filter, schema, async (leaves) => {
    const found = new Map(leaves.map((leaf): [Leaf, string[]] => [leaf, []]))
    for await (const batch of table.query().select(['id', ...recordColumns])) {
      for (const row of batch.toArray()) {
        const { payload } = toPointRecord(row)
        for (const [leaf, ids] of found) if (matchesFilter(leaf, payload)) ids.push(row.id)
      }
    }
    return found
  })
}
