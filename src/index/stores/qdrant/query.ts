import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import type { Filter } from '../../filter/index.ts'
import { byScoreThenId, reaches } from '../fusion.ts'
import { bestOf, deeper, type Found, type HybridSource, isSettled, type Ranked, rankHybrid } from '../hybrid.ts'
import type { PointRecord, ScoredPoint, StoreQuery } from '../store.ts'
import { ask, type PointId, type QueryPlace, type Request, recordsOf } from './ask.ts'
import { inParallel, piecesOf } from './batches.ts'
import { conditionOf } from './condition.ts'
import type { Condition } from './filter.ts'
import { uuidOf } from './point-id.ts'
import { keyPaths, toPointKey, toPointRecord } from './records.ts'
import { queryVector } from './sparse.ts'

type HybridQuery = Extract<StoreQuery, { mode: 'hybrid' }>
type SideQuery = Exclude<StoreQuery, HybridQuery>

/** A point of a ranking as Qdrant knows it. */
interface RankedPoint extends Ranked {
  readonly point: PointId
}

/** The conditions of all filters that queries have. */
type Conditions = ReadonlyMap<Filter, Condition>

/** So many queries are spared a second request, more of them hits that are not needed. */
const fewQueries = 32
/** Hybrid queries under way at once. */
const parallelQueries = 3

/** Qdrant's score as a cosine; vectors are of unit length. */
const cosines: Readonly<Partial<Record<Schemas['Distance'], (score: number) => number>>> = {
  Euclid: (distance) => 1 - distance ** 2 / 2,
}

/** Rankings of many queries, and then what the points on all pages are. */
export async function runQueries(place: QueryPlace, queries: readonly StoreQuery[]): Promise<ScoredPoint[][]> {
  const records = new Map<PointId, PointRecord>()
  for (const query of queries) checkAskable(place, query)
  const conditions = await conditionsOf(place, queries)
  const pages: RankedPoint[][] = queries.map(() => [])
  const sides = [...queries.entries()].flatMap(([at, query]) => (query.mode === 'hybrid' ? [] : [{ at, query }]))
  await rankSides(place, sides, { conditions, records, onPage: (at, page) => (pages[at] = page) })
  const fused = [...queries.entries()].flatMap(([at, query]) => (query.mode === 'hybrid' ? [{ at, query }] : []))
  await inParallel(fused, parallelQueries, async ({ at, query }) => {
    pages[at] = await rankFused(place, query, conditions)
  })
  const unread = pages.flat().filter(({ point }) => !records.has(point))
  for (const [id, record] of await recordsOf(
    place,
    unread.map(({ point }) => point),
  ))
    records.set(id, record)
  return pages.map((page) =>
    page.flatMap(({ point: id, score, scores }) => {
      const point = records.get(id) // gone, if it was deleted in between
      return point ? [{ score, scores, point }] : []
    }),
  )
}

/** Queries of one side go together in batches; where a page may be another one further down, again and deeper, by keys alone. */
async function rankSides(
  place: QueryPlace,
  queries: readonly { readonly at: number; readonly query: SideQuery }[],
  {
    conditions,
    records,
    onPage,
  }: {
    readonly conditions: Conditions
    readonly records: Map<PointId, PointRecord>
    readonly onPage: (at: number, page: RankedPoint[]) => void
  },
): Promise<void> {
  const { layout } = place.described
  const share = queries.length > fewQueries ? 2 : 4
  let open = queries.flatMap(({ at, query }) =>
    query.mode === 'bm25' && query.terms.length === 0
      ? []
      : [{ at, query, depth: query.groupByDocument ? wantedOf(query) * share : wantedOf(query) + 1, exact: false }],
  )
  for (let whole = queries.length <= fewQueries; open.length > 0; whole = false) {
    const requests = open.map(({ query, depth, exact }) => {
      const side = sideOf(place, query, conditions)
      return { ...(exact ? exactly(place, side) : side), limit: depth, with_payload: whole || keyPaths }
    })
    const answers = await ask(place, requests)
    open = open.flatMap(({ at, query, depth }, i) => {
      const points = answers[i] ?? []
      if (whole) for (const point of points) records.set(point.id, toPointRecord(point, layout))
      const found = toRanking(place, points, query.mode)
      const ranked = found.filter(({ scores }) => reaches(scores, query.minScores ?? {}))
      const kept = query.groupByDocument ? bestOfDocument(ranked) : ranked
      onPage(at, kept.slice(query.offset ?? 0, wantedOf(query)))
      const settled = isSettled(kept, { wanted: wantedOf(query), depth, found }) || ranked.length < found.length
      return settled ? [] : [{ at, query, depth: deeper(depth), exact: kept.length >= wantedOf(query) }]
    })
  }
}

async function conditionsOf(
  { connection, collection, described }: QueryPlace,
  queries: readonly StoreQuery[],
): Promise<Conditions> {
  const conditions = new Map<Filter, Condition>()
  for (const { filter } of queries) {
    if (filter && !conditions.has(filter))
      conditions.set(filter, await conditionOf(connection, collection, described, filter))
  }
  return conditions
}

function wantedOf({ offset = 0, limit }: StoreQuery): number {
  return offset + limit
}

/** A request for both rankings, and one for the scores that are missing. */
async function rankFused(place: QueryPlace, query: HybridQuery, conditions: Conditions): Promise<RankedPoint[]> {
  const { fusion = 'scores', minScores = {}, groupByDocument = false, offset = 0 } = query
  const ranked = await rankHybrid(sourceOf(place, query, conditions), {
    wanted: wantedOf(query),
    fusion,
    words: new Set(query.terms).size,
    minScores,
    groupByDocument,
  })
  return ranked.slice(offset, wantedOf(query)).map((one) => ({ ...one, point: uuidOf(one.id) }))
}

function sourceOf(place: QueryPlace, query: HybridQuery, conditions: Conditions): HybridSource {
  const { filter, exact, vector, terms } = query
  const { limits } = place.described
  const common = { limit: 1, ...(filter ? { filter } : {}), ...(exact === undefined ? {} : { exact }) }
  const dense = sideOf(place, { mode: 'dense', vector, ...common }, conditions)
  const bm25 = sideOf(place, { mode: 'bm25', terms, ...common }, conditions)
  const sides = [
    { mode: 'dense' as const, request: dense },
    ...(terms.length > 0 ? [{ mode: 'bm25' as const, request: bm25 }] : []),
  ]
  const rank = async (asked: readonly (typeof sides)[number][], depth: number) => {
    const answers = await ask(
      place,
      asked.map(({ request }) => ({ ...request, with_payload: keyPaths, limit: depth })),
    )
    return asked.map(({ mode }, i) => toRanking(place, answers[i] ?? [], mode))
  }
  return {
    async rankings(depth) {
      const firsts = await rank(sides, depth + 1)
      const [first = [], second = []] = await Promise.all(
        sides.map(({ mode, request }, i) =>
          bestOf(depth, async (deep) => {
            if (deep === depth + 1) return firsts[i] ?? []
            const [further = []] = await rank([{ mode, request: exactly(place, request) }], deep)
            return further
          }),
        ),
      )
      return { dense: first, bm25: second }
    },
    async scores(missing) {
      const among = (mode: 'dense' | 'bm25', request: Omit<Request, 'limit'>, ids: readonly string[]) =>
        piecesOf(ids.map(uuidOf), Math.min(limits.values, limits.hits)).map((some) => ({
          mode,
          request: { ...request, with_payload: keyPaths, filter: { must: [{ has_id: some }] }, limit: some.length },
        }))
      const asked = [
        ...among('dense', exactly(place, dense), missing.dense),
        ...(terms.length > 0 ? among('bm25', bm25, missing.bm25) : []),
      ]
      const answers = await ask(
        place,
        asked.map(({ request }) => request),
      )
      const scoresOf = (side: 'dense' | 'bm25') =>
        new Map(
          asked.flatMap(({ mode }, i) =>
            mode === side
              ? toRanking(place, answers[i] ?? [], side).map(({ id, score }): [string, number] => [id, score])
              : [],
          ),
        )
      return { dense: scoresOf('dense'), bm25: scoresOf('bm25') }
    },
  }
}

function checkAskable({ collection, described: { layout, limits } }: QueryPlace, { mode, exact }: StoreQuery): void {
  if (mode !== 'dense' && layout.lexical === undefined)
    throw new QontrastError(
      'invalid-option',
      `Collection '${collection}' was made by something else and has no words to rank by, so mode ${mode} finds nothing. Search it with mode dense.`,
    )
  if (exact && !limits.exact)
    throw new QontrastError(
      'invalid-option',
      `'${collection}' is in strict mode and allows no exact search. Search without exact, or set its search_allow_exact.`,
    )
}

/** What one side asks the server for. */
function sideOf(
  { described: { layout, limits }, options: { search } }: QueryPlace,
  query: SideQuery,
  conditions: Conditions,
): Omit<Request, 'limit'> {
  const condition = query.filter && conditions.get(query.filter)
  const common = {
    ...(condition ? { filter: { must: [condition] } } : {}),
    params: { ...search, hnsw_ef: search?.hnsw_ef ?? limits.graphDepth, exact: query.exact ?? false },
  }
  if (query.mode === 'bm25') return { ...common, query: queryVector(query.terms), using: layout.lexical ?? '' }
  return { ...common, query: Array.from(query.vector), ...(layout.vector === '' ? {} : { using: layout.vector }) }
}

/** Compared with every vector, as far as that is allowed: vectors that are equal lead a walk through the graph nowhere. */
function exactly({ described: { limits } }: QueryPlace, side: Omit<Request, 'limit'>): Omit<Request, 'limit'> {
  return { ...side, params: { ...side.params, exact: limits.exact } }
}

/** Points in our order, with scores as they are told. */
function toRanking(
  { described: { layout } }: QueryPlace,
  points: readonly Schemas['ScoredPoint'][],
  mode: 'dense' | 'bm25',
): (RankedPoint & Found)[] {
  const toCosine = mode === 'dense' ? cosines[layout.distance] : undefined
  return points
    .map((point) => {
      const { id, documentId: document } = toPointKey(point)
      const score = toCosine ? toCosine(point.score) : point.score
      return { id, document, score, scores: { [mode]: score }, point: point.id }
    })
    .sort(byScoreThenId)
}

function bestOfDocument(ranked: readonly RankedPoint[]): RankedPoint[] {
  const best = new Map<string, RankedPoint>()
  for (const one of ranked) if (!best.has(one.document)) best.set(one.document, one)
  return [...best.values()]
}
