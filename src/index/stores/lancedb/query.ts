import type { Table } from '@lancedb/lancedb'
import { createPace } from '../../../shared/index.ts'
import { type Filter, matchesFilter } from '../../filter/index.ts'
import { byScoreThenId, reaches } from '../fusion.ts'
import { type HybridSource, rankHybrid } from '../hybrid.ts'
import { bestOf, deeper, isSettled, type Ranked, type Scored } from '../ranking.ts'
import type { CollectionSchema, ScoredPoint, StoreQuery } from '../store.ts'
import { type FindByReading, filterToSql } from './filter-sql.ts'
import { type Points, pointsOf } from './points.ts'
import { recordColumns, toPointRecord } from './rows.ts'
import { rankDense, rankLexical } from './sides.ts'

/** Points of words that are asked for beyond those wanted: passages that are alike have equal scores, and to ask again costs as much as hundreds of points. */
const tieRoom = 100
/** A part of a BM25 score by which those of a few points may be shifted alike. */
const mostShift = 0.02

/** Ranks points, groups them if asked to, and reads what those on the page are. */
export async function runQuery(table: Table, query: StoreQuery, where: string | undefined): Promise<ScoredPoint[]> {
  const points = pointsOf(table, { limit: query.limit, ...(query.mode === 'hybrid' ? { vector: query.vector } : {}) })
  const ranked = await rank(table, points, { query, where })
  const [page = []] = await points.pages([pageOf(ranked, query)])
  return page
}

export function pageOf<Point>(ranked: readonly Point[], { limit, offset = 0 }: StoreQuery): Point[] {
  return ranked.slice(offset, offset + limit)
}

/** Everything that the page and those before it need, best first. */
async function rank(
  table: Table,
  points: Points,
  { query, where }: { readonly query: StoreQuery; readonly where: string | undefined },
): Promise<Ranked<bigint>[]> {
  const { limit, offset = 0, groupByDocument = false, exact = false, minScores = {}, fusion = 'scores' } = query
  const wanted = offset + limit
  if (query.mode === 'hybrid') {
    const { vector, terms } = query
    return rankHybrid(hybridSource(table, points, { vector, terms, where, exact }), {
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
    const ids = await points.ids(found.map(({ ref }) => ref))
    const ranked = found
      .flatMap(({ ref, score }): Ranked<bigint>[] => {
        const own = ids.get(ref)
        return own ? [{ ...own, ref, score, scores: { [query.mode]: score } }] : []
      })
      .filter(({ scores }) => reaches(scores, minScores))
      .sort(byScoreThenId)
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

function hybridSource(
  table: Table,
  points: Points,
  { vector, terms, where, exact }: HybridSearch,
): HybridSource<bigint> {
  let best: Scored<bigint> | undefined
  return {
    async words(depth) {
      const ask = (deep: number) => rankLexical(table, terms, { depth: deep, where })
      const side = await bestOf(depth, ask, depth + 1 + tieRoom)
      best ??= side.sure[0] ?? side.tied[0]
      return side
    },
    nearest: (depth) => bestOf(depth, (deep) => rankDense(table, vector, { depth: deep, where, exact })),
    ...points,
    async wordScores(rows) {
      if (!best) return new Map()
      const words = await rankLexical(table, terms, { depth: rows.length + 1, where: rowIn([...rows, best.ref]) })
      const there = words.find(({ ref }) => ref === best?.ref)
      const shift = there ? best.score / there.score : 1
      // of rows that are in no index yet LanceDB counts the words of the filtered ones alone: before the first maintenance it finds quite other scores
      const counted =
        Math.abs(shift - 1) <= mostShift
          ? words.map(({ ref, score }) => ({ ref, score: score * shift }))
          : await rankLexical(table, terms, { depth: await table.countRows(), where })
      return new Map(counted.map(({ ref, score }) => [ref, score]))
    },
  }
}

function rowIn(rows: readonly bigint[]): string {
  return `_rowid IN (${rows.join(', ')})`
}

function bestOfDocument(ranked: readonly Ranked<bigint>[]): Ranked<bigint>[] {
  const best = new Map<string, Ranked<bigint>>()
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
