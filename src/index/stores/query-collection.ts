import { byScoreThenId, reaches } from './fusion.ts'
import { type HybridSource, rankHybrid } from './hybrid.ts'
import { bestOf, deeper, type Found, isSettled, type PointIds, type Ranked } from './ranking.ts'
import type { Ranking, ScoredPoint, ScrollPage, Selector, StoreQuery } from './store.ts'

/** What is compared with points: a vector by cosine, or terms by BM25. */
export type Side = Exclude<Ranking, { mode: 'hybrid' }>

export interface RankOptions extends Pick<StoreQuery, 'filter' | 'exact'> {
  /** How many points, at most. */
  readonly depth: number
  /** Of these points only. */
  readonly ids?: readonly string[]
}

/** What a query needs of a collection: rankings of one side, and records by id. */
export interface Rankable {
  rank(side: Side, options: RankOptions): Promise<readonly Found[]>
  get(selector: Selector): Promise<ScrollPage['points']>
}

/** Ranks points, fuses both sides or groups them if asked to, and reads the records of those on the page. */
export async function queryCollection(collection: Rankable, query: StoreQuery): Promise<ScoredPoint[]> {
  const { limit, offset = 0 } = query
  const page = (await ranked(collection, query, offset + limit)).slice(offset, offset + limit)
  const points = await collection.get({ ids: page.map(({ id }) => id) })
  const records = new Map(points.map((point) => [point.id, point]))
  return page.flatMap(({ id, score, scores }) => {
    const point = records.get(id) // gone, if it was deleted in between
    return point ? [{ score, scores, point }] : []
  })
}

/** Best first; right as far as the wanted ones go. */
async function ranked(collection: Rankable, query: StoreQuery, wanted: number): Promise<readonly Ranked<string>[]> {
  const { groupByDocument = false, minScores = {}, fusion = 'scores' } = query
  if (query.mode === 'hybrid') {
    const words = new Set(query.terms).size
    return rankHybrid(bothSides(collection, query), { wanted, fusion, words, minScores, groupByDocument })
  }
  for (let depth = groupByDocument ? wanted * 3 : wanted + 1; ; depth = deeper(depth)) {
    const found = await collection.rank(query, { ...rankOptions(query), depth })
    const reaching = found
      .toSorted(byScoreThenId)
      .map((point): Ranked<string> => ({ ...point, ref: point.id, scores: { [query.mode]: point.score } }))
      .filter(({ scores }) => reaches(scores, minScores))
    const kept = groupByDocument ? firstOfEach(reaching) : reaching
    // what is left out by its score has nothing better behind it
    if (isSettled(kept, { wanted, depth, found }) || reaching.length < found.length) return kept
  }
}

function bothSides(collection: Rankable, query: Extract<StoreQuery, { mode: 'hybrid' }>): HybridSource<string> {
  const { vector, terms } = query
  const sides = { dense: { mode: 'dense', vector }, bm25: { mode: 'bm25', terms } } as const
  const options = rankOptions(query)
  const known = new Map<string, PointIds>()
  async function rank(side: Side, asked: RankOptions) {
    const found = await collection.rank(side, asked)
    for (const { id, document } of found) known.set(id, { id, document })
    return found.map(({ id, score }) => ({ ref: id, score })).sort((a, b) => b.score - a.score)
  }
  const best = (side: Side, count: number) => bestOf(count, (depth) => rank(side, { ...options, depth }))
  const scores = async (side: Side, ids: readonly string[]) => {
    const found = ids.length === 0 ? [] : await rank(side, { ids, depth: ids.length, exact: true })
    return new Map(found.map(({ ref, score }) => [ref, score]))
  }
  return {
    words: (depth) => best(sides.bm25, depth),
    nearest: (depth) => best(sides.dense, depth),
    ids: async () => known,
    cosines: (ids) => scores(sides.dense, ids),
    async look(ids) {
      const cosines = await scores(sides.dense, ids)
      return new Map(
        [...cosines].flatMap(([id, cosine]) => {
          const own = known.get(id)
          return own ? [[id, { ...own, cosine }]] : []
        }),
      )
    },
    wordScores: (ids) => scores(sides.bm25, ids),
  }
}

function rankOptions({ filter, exact = false }: StoreQuery): Omit<RankOptions, 'depth'> {
  return { exact, ...(filter ? { filter } : {}) }
}

function firstOfEach(ranked: readonly Ranked<string>[]): Ranked<string>[] {
  const best = new Map<string, Ranked<string>>()
  for (const point of ranked) if (!best.has(point.document)) best.set(point.document, point)
  return [...best.values()]
}
