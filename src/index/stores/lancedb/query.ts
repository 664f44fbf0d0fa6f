import type { Table } from '@lancedb/lancedb'
import { createPace } from '../../../shared/index.ts'
import { type Filter, matchesFilter } from '../../filter/index.ts'
import { reaches } from '../fusion.ts'
import { bestOf, deeper, type Found, type HybridSource, isSettled, type Ranked, rankHybrid } from '../hybrid.ts'
import type { CollectionSchema, ScoredPoint, StoreQuery } from '../store.ts'
import { type FindByReading, filterToSql, idIn } from './filter-sql.ts'
import { recordColumns, toPointRecord } from './rows.ts'
import { rankDense, rankLexical } from './sides.ts'

/** Ids in one predicate. */
const mostIds = 2_000
/** Points of words that are asked for beyond those wanted: passages that are alike have equal scores, and to ask again costs as much as hundreds of points. */
const tieRoom = 100
/** A part of a BM25 score by which those of a few points may be shifted alike. */
const mostShift = 0.02

/** Ranks points, groups them if asked to, and reads the records of those on the page. */
export async function runQuery(table: Table, query: StoreQuery, where: string | undefined): Promise<ScoredPoint[]> {
  const page = pageOf(await rank(table, query, where), query)
  const [points] = await withRecords(table, [page])
  return points ?? []
}

export function pageOf(ranked: readonly Ranked[], { limit, offset = 0 }: StoreQuery): Ranked[] {
  return ranked.slice(offset, offset + limit)
}

/** The records of all pages, read together. */
export async function withRecords(table: Table, pages: readonly (readonly Ranked[])[]): Promise<ScoredPoint[][]> {
  const ids = [...new Set(pages.flat().map(({ id }) => id))]
  const records = new Map<string, ScoredPoint['point']>()
  const pace = createPace()
  for (let start = 0; start < ids.length; start += mostIds) {
    const rows = await table
      .query()
      .where(idIn(ids.slice(start, start + mostIds)))
      .select(['id', ...recordColumns])
      .toArray()
    for (const row of rows) {
      records.set(String(row.id), toPointRecord(row))
      await pace()
    }
  }
  return pages.map((page) =>
    page.flatMap(({ id, score, scores }) => {
      const point = records.get(id) // gone, if it was deleted in between
      return point ? [{ score, scores, point }] : []
    }),
  )
}

/** Everything that the page and those before it need, best first. */
async function rank(table: Table, query: StoreQuery, where: string | undefined): Promise<Ranked[]> {
  const { limit, offset = 0, groupByDocument = false, exact = false, minScores = {}, fusion = 'scores' } = query
  const wanted = offset + limit
  if (query.mode === 'hybrid') {
    const { vector, terms } = query
    return rankHybrid(hybridSource(table, { vector, terms, where, exact }), {
      wanted,
      fusion,
      words: new Set(terms).size,
      minScores,
      groupByDocument,
    })
  }
  for (let depth = groupByDocument ? wanted * 3 : wanted + 1; ; depth = deeper(depth)) {
    const options = { depth, where, exact }
    const found =
      query.mode === 'dense'
        ? await rankDense(table, query.vector, options)
        : await rankLexical(table, query.terms, options)
    const side = query.mode
    const ranked = found
      .map((point): Ranked => ({ ...point, scores: { [side]: point.score } }))
      .filter(({ scores }) => reaches(scores, minScores))
    const kept = groupByDocument ? bestOfDocument(ranked) : ranked
    // what is left out by its score has nothing better behind it
    if (isSettled(kept, { wanted, depth, found }) || ranked.length < found.length) return kept
  }
}

interface HybridSearch {
  readonly vector: Float32Array
  readonly terms: readonly string[]
  readonly where: string | undefined
  readonly exact: boolean
}

function hybridSource(table: Table, { vector, terms, where, exact }: HybridSearch): HybridSource {
  let known: Found | undefined
  return {
    async rankings(depth) {
      const [dense, bm25] = await Promise.all([
        bestOf(depth, (deep) => rankDense(table, vector, { depth: deep, where, exact })),
        bestOf(depth, (deep) => rankLexical(table, terms, { depth: deep, where, vector }), depth + 1 + tieRoom),
      ])
      known ??= bm25[0]
      return { dense, bm25 }
    },
    async scores({ bm25 }) {
      const dense = new Map<string, number>() // cosines came with the words
      if (bm25.length === 0 || !known) return { dense, bm25: new Map() }
      const words = await rankLexical(table, terms, { depth: bm25.length + 1, where: idIn([...bm25, known.id]) })
      const there = words.find(({ id }) => id === known?.id)
      const shift = there ? known.score / there.score : 1
      // of rows that are in no index yet LanceDB counts the words of the filtered ones alone: before the first maintenance it finds quite other scores
      const counted =
        Math.abs(shift - 1) <= mostShift
          ? words.map((point) => ({ ...point, score: point.score * shift }))
          : await rankLexical(table, terms, { depth: await table.countRows(), where })
      return { dense, bm25: scoresById(counted) }
    },
  }
}

function scoresById(found: readonly Found[]): Map<string, number> {
  return new Map(found.map(({ id, score }) => [id, score]))
}

function bestOfDocument(ranked: readonly Ranked[]): Ranked[] {
  const best = new Map<string, Ranked>()
  for (const point of ranked) if (!best.has(point.document)) best.set(point.document, point)
  return [...best.values()]
}

/** The predicate of a filter on this table. */
export function toSql(table: Table, schema: CollectionSchema, filter: Filter): Promise<string> {
  const holdsForAny = async (predicate: string) => (await table.countRows(predicate)) > 0
  const find: FindByReading = async (wanted, where) => {
    const ids: string[] = []
    const pace = createPace()
    for await (const batch of table
      .query()
      .where(where)
      .select(['id', ...recordColumns])) {
      for (const row of batch) {
        await pace()
        if (matchesFilter(wanted, toPointRecord(row).payload)) ids.push(row.id)
      }
    }
    return ids
  }
  return filterToSql(filter, schema, { find, holdsForAny })
}
