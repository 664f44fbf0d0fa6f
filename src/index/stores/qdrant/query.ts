import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import type { Filter } from '../../filter/index.ts'
import { byScoreThenId, reaches } from '../fusion.ts'
import { type HybridSource, rankHybrid } from '../hybrid.ts'
import { bestOf, deeper, isSettled, lookedAt, type PointIds, type Ranked, type Side } from '../ranking.ts'
import type { PointRecord, ScoredPoint, StoreQuery } from '../store.ts'
import { ask, type PointId, type QueryPlace, type Request, recordsOf, retrieve } from './ask.ts'
import { inParallel, piecesOf } from './batches.ts'
import { conditionOf } from './condition.ts'
import type { Condition } from './filter.ts'
import { idPaths, toPointIds, toPointRecord } from './records.ts'
import { queryVector } from './sparse.ts'

type HybridQuery = Extract<StoreQuery, { mode: 'hybrid' }>
type SideQuery = Exclude<StoreQuery, HybridQuery>

type RankedPoint = Ranked<PointId>

/** The conditions of all filters that queries have. */
type Conditions = ReadonlyMap<Filter, Condition>

/** So many queries are spared a second request, more of them hits that are not needed. */
const fewQueries = 32
/** So few points are read whole at once: to come back for those on the page costs more. */
const fewPoints = 64
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
    pages[at] = await rankFused(place, query, { conditions, records })
  })
  const unread = pages.flat().filter(({ ref }) => !records.has(ref))
  for (const [id, record] of await recordsOf(
    place,
    unread.map(({ ref }) => ref),
  ))
    records.set(id, record)
  return pages.map((page) =>
    page.flatMap(({ ref, score, scores }) => {
      const point = records.get(ref) // gone, if it was deleted in between
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
      return { ...(exact ? exactly(place, side) : side), limit: depth, with_payload: whole || idPaths }
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

interface FusedOptions {
  readonly conditions: Conditions
  /** What was read on the way is put here. */
  readonly records: Map<PointId, PointRecord>
}

async function rankFused(place: QueryPlace, query: HybridQuery, options: FusedOptions): Promise<RankedPoint[]> {
  const { fusion = 'scores', minScores = {}, groupByDocument = false, offset = 0 } = query
  const ranked = await rankHybrid(sourceOf(place, query, options), {
    wanted: wantedOf(query),
    fusion,
    words: new Set(query.terms).size,
    minScores,
    groupByDocument,
  })
  return ranked.slice(offset, wantedOf(query))
}

const none: Side<PointId> = { sure: [], tied: [], places: 0 }

/** Ids and scores alone tell which points are looked at. */
function sourceOf(place: QueryPlace, query: HybridQuery, { conditions, records }: FusedOptions): HybridSource<PointId> {
  const { filter, exact, vector, terms } = query
  const { layout, limits } = place.described
  const common = { limit: 1, ...(filter ? { filter } : {}), ...(exact === undefined ? {} : { exact }) }
  const dense = sideOf(place, { mode: 'dense', vector, ...common }, conditions)
  const bm25 = sideOf(place, { mode: 'bm25', terms, ...common }, conditions)
  const exactDense = exactly(place, dense)
  const cosines = new Map<PointId, number>()
  const ids = new Map<PointId, PointIds>()

  const best = (request: Omit<Request, 'limit'>, mode: SideQuery['mode'], depth: number) =>
    bestOf(depth, async (deep) => {
      const further = deep === depth + 1 ? request : exactly(place, request)
      const [points = []] = await ask(place, [{ ...further, with_payload: false, limit: deep }])
      return points.map(({ id, score }) => ({ ref: id, score: scoreOf(place, mode, score) }))
    })

  /** The scores of these points, and as much of each as is asked for. */
  async function among(
    request: Omit<Request, 'limit'>,
    refs: readonly PointId[],
    payload: boolean | string[],
  ): Promise<Schemas['ScoredPoint'][]> {
    const pieces = piecesOf(refs, Math.min(limits.values, limits.hits))
    const answers = await ask(
      place,
      pieces.map((some) => ({
        ...request,
        with_payload: payload,
        filter: { must: [{ has_id: some }] },
        limit: some.length,
      })),
    )
    return answers.flat()
  }

  /** As much of the payloads of so many points as will be needed. */
  const payloadOf = (refs: readonly PointId[]) => refs.length <= fewPoints || idPaths

  function keepIds(points: readonly Schemas['Record'][], whole: boolean): void {
    for (const point of points) {
      ids.set(point.id, toPointIds(point))
      if (whole) records.set(point.id, toPointRecord(point, layout))
    }
  }

  function keepCosines(points: readonly Schemas['ScoredPoint'][]): void {
    for (const { id, score } of points) cosines.set(id, scoreOf(place, 'dense', score))
  }

  return {
    words: async (depth) => (terms.length === 0 ? none : best(bm25, 'bm25', depth)),
    nearest: (depth) => best(dense, 'dense', depth),
    async ids(refs) {
      const unknown = refs.filter((ref) => !ids.has(ref))
      const payload = payloadOf(unknown)
      keepIds(await retrieve(place, unknown, payload), payload === true)
      return ids
    },
    async cosines(refs) {
      keepCosines(await among(exactDense, refs, false))
      return cosines
    },
    async look(refs) {
      const unknown = refs.filter((ref) => !ids.has(ref) || !cosines.has(ref))
      const payload = payloadOf(unknown)
      const points = await among(exactDense, unknown, payload)
      keepCosines(points)
      keepIds(points, payload === true)
      return lookedAt(refs, ids, cosines)
    },
    wordScores: async (refs) =>
      terms.length === 0 ? new Map() : new Map((await among(bm25, refs, false)).map(({ id, score }) => [id, score])),
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

/** A score of the server's as it is told. */
function scoreOf({ described: { layout } }: QueryPlace, mode: SideQuery['mode'], score: number): number {
  const toCosine = mode === 'dense' ? cosines[layout.distance] : undefined
  return toCosine ? toCosine(score) : score
}

/** Points in our order. */
function toRanking(
  place: QueryPlace,
  points: readonly Schemas['ScoredPoint'][],
  mode: SideQuery['mode'],
): RankedPoint[] {
  return points
    .map((point) => {
      const score = scoreOf(place, mode, point.score)
      return { ...toPointIds(point), ref: point.id, score, scores: { [mode]: score } }
    })
    .sort(byScoreThenId)
}

function bestOfDocument(ranked: readonly RankedPoint[]): RankedPoint[] {
  const best = new Map<string, RankedPoint>()
  for (const one of ranked) if (!best.has(one.document)) best.set(one.document, one)
  return [...best.values()]
}
