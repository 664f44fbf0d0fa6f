import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import type { Filter } from '../../filter.ts'
import { byScoreThenId, reaches } from '../../fusion.ts'
import { type Found, type HybridSource, isSettled, rankHybrid } from '../../hybrid.ts'
import type { PointRecord, ScoredPoint, Scores, StoreQuery } from '../../store.ts'
import { inParallel, piecesOf } from './batches.ts'
import { conditionOf } from './condition.ts'
import type { Connection } from './connection.ts'
import type { Condition } from './filter.ts'
import type { Layout } from './layout.ts'
import type { QdrantOptions } from './options.ts'
import { uuidOf } from './point-id.ts'
import { keyPaths, toPointKey, toPointRecord } from './records.ts'
import { queryVector } from './sparse.ts'

type Request = Schemas['QueryRequest']
type HybridQuery = Extract<StoreQuery, { mode: 'hybrid' }>

/** Where queries go. */
export interface QueryPlace {
  readonly connection: Connection
  readonly collection: string
  readonly layout: Layout
  readonly options: QdrantOptions
}

/** The conditions of all filters that queries have. */
type Conditions = ReadonlyMap<Filter, Condition>

/** Queries in one request, and requests under way at once. */
const queriesAtOnce = 50
const parallelRequests = 3
/** A walk through the graph that keeps this many points gives the same ranking for every page within. */
const graphDepth = 200

/** Qdrant's score as a cosine; vectors are of unit length. */
const cosines: Readonly<Partial<Record<Schemas['Distance'], (score: number) => number>>> = {
  Euclid: (distance) => 1 - distance ** 2 / 2,
}

export async function runQuery(place: QueryPlace, query: StoreQuery): Promise<ScoredPoint[]> {
  const [points] = await runQueries(place, [query])
  return points ?? []
}

/** Queries of one side go together in batches; when points are grouped and documents are still missing, again and deeper. */
export async function runQueries(place: QueryPlace, queries: readonly StoreQuery[]): Promise<ScoredPoint[][]> {
  const results: ScoredPoint[][] = queries.map(() => [])
  for (const query of queries) if (query.mode !== 'dense') checkLexical(place, query.mode)
  const conditions = await conditionsOf(place, queries)
  let open = [...queries.entries()].flatMap(([at, query]) =>
    query.mode === 'hybrid' || (query.mode === 'bm25' && query.terms.length === 0)
      ? []
      : [{ at, query, depth: query.groupByDocument ? wantedOf(query) * 4 : wantedOf(query) + 1 }],
  )
  while (open.length > 0) {
    const requests = open.map(({ query, depth }) => ({
      ...sideOf(place, query, conditions),
      limit: depth,
      with_payload: true,
    }))
    const answers = await ask(place, requests)
    open = open.flatMap(({ at, query, depth }, i) => {
      const points = answers[i] ?? []
      const found = points.map((point) => toScored(point, place.layout, query.mode)).sort(byScoreThenPoint)
      const ranked = found.filter(({ scores }) => reaches(scores, query.minScores ?? {}))
      const kept = query.groupByDocument ? bestOfDocument(ranked) : ranked
      results[at] = kept.slice(query.offset ?? 0, wantedOf(query))
      const settled = isSettled(kept, { wanted: wantedOf(query), depth, found }) || ranked.length < found.length
      return settled ? [] : [{ at, query, depth: depth * 4 }]
    })
  }
  const fused = [...queries.entries()].flatMap(([at, query]) => (query.mode === 'hybrid' ? [{ at, query }] : []))
  await inParallel(fused, parallelRequests, async ({ at, query }) => {
    results[at] = await runHybrid(place, query, conditions)
  })
  return results
}

async function conditionsOf(
  { connection, collection, layout }: QueryPlace,
  queries: readonly StoreQuery[],
): Promise<Conditions> {
  const conditions = new Map<Filter, Condition>()
  for (const { filter } of queries) {
    if (filter && !conditions.has(filter))
      conditions.set(filter, await conditionOf(connection, collection, layout, filter))
  }
  return conditions
}

function wantedOf({ offset = 0, limit }: StoreQuery): number {
  return offset + limit
}

/** A request for both rankings, one for the scores that are missing, one for the page. */
async function runHybrid(place: QueryPlace, query: HybridQuery, conditions: Conditions): Promise<ScoredPoint[]> {
  const { fusion = 'scores', minScores = {}, groupByDocument = false, offset = 0 } = query
  const wanted = wantedOf(query)
  const ranked = await rankHybrid(sourceOf(place, query, conditions), {
    wanted,
    fusion,
    words: new Set(query.terms).size,
    minScores,
    groupByDocument,
  })
  const page = ranked.slice(offset, wanted)
  const records = await recordsOf(
    place,
    page.map(({ id }) => id),
  )
  return page.flatMap(({ id, score, scores }) => {
    const point = records.get(id) // gone, if it was deleted in between
    return point ? [{ score, scores, point }] : []
  })
}

function sourceOf(place: QueryPlace, query: HybridQuery, conditions: Conditions): HybridSource {
  const { filter, exact, vector, terms } = query
  const common = { limit: 1, ...(filter ? { filter } : {}), ...(exact === undefined ? {} : { exact }) }
  const dense = sideOf(place, { mode: 'dense', vector, ...common }, conditions)
  const bm25 = sideOf(place, { mode: 'bm25', terms, ...common }, conditions)
  const keys = { with_payload: keyPaths }
  return {
    async rankings(depth) {
      const sides = terms.length > 0 ? [dense, bm25] : [dense]
      const [first = [], second = []] = await ask(
        place,
        sides.map((side) => ({ ...side, ...keys, limit: depth })),
      )
      return { dense: toFound(first, place.layout), bm25: toFound(second) }
    },
    async scores(missing) {
      const among = (side: Request, ids: readonly string[]) =>
        ids.length === 0
          ? []
          : [{ ...side, ...keys, filter: { must: [{ has_id: ids.map(uuidOf) }] }, limit: ids.length }]
      const vectors = among({ ...dense, params: { exact: true } }, missing.dense)
      const words = terms.length > 0 ? among(bm25, missing.bm25) : []
      const answers = await ask(place, [...vectors, ...words])
      const byId = (found: readonly Found[]) => new Map(found.map(({ id, score }) => [id, score]))
      return {
        dense: byId(vectors.length > 0 ? toFound(answers[0] ?? [], place.layout) : []),
        bm25: byId(words.length > 0 ? toFound(answers[vectors.length] ?? []) : []),
      }
    },
  }
}

async function recordsOf(
  { connection, collection, layout, options }: QueryPlace,
  ids: readonly string[],
): Promise<Map<string, PointRecord>> {
  const records = new Map<string, PointRecord>()
  const { consistency } = options
  for (const piece of piecesOf(ids, 1_000)) {
    const points = await connection.call(collection, (client) =>
      client.retrieve(collection, {
        ids: piece.map(uuidOf),
        with_payload: true,
        ...(consistency === undefined ? {} : { consistency }),
      }),
    )
    for (const point of points) {
      const record = toPointRecord(point, layout)
      records.set(record.id, record)
    }
  }
  return records
}

/** The answers to many requests, in their order. */
async function ask(
  { connection, collection, options }: QueryPlace,
  requests: readonly Request[],
): Promise<Schemas['ScoredPoint'][][]> {
  const { consistency } = options
  const pieces = piecesOf(requests, queriesAtOnce)
  const answers: Schemas['ScoredPoint'][][][] = pieces.map(() => [])
  await inParallel([...pieces.entries()], parallelRequests, async ([i, searches]) => {
    const results = await connection.call(collection, (client) =>
      client.queryBatch(collection, { searches, ...(consistency === undefined ? {} : { consistency }) }),
    )
    answers[i] = results.map(({ points }) => points)
  })
  return answers.flat()
}

function checkLexical({ collection, layout }: QueryPlace, mode: StoreQuery['mode']): void {
  if (layout.lexical !== undefined) return
  throw new QontrastError(
    'invalid-option',
    `Collection '${collection}' was made by something else and has no words to rank by, so mode ${mode} finds nothing. Search it with mode dense.`,
  )
}

/** What one side asks the server for. */
function sideOf(
  { layout, options: { search } }: QueryPlace,
  query: Exclude<StoreQuery, HybridQuery>,
  conditions: Conditions,
): Request {
  const condition = query.filter && conditions.get(query.filter)
  const common = {
    ...(condition ? { filter: { must: [condition] } } : {}),
    params: { hnsw_ef: graphDepth, ...search, exact: query.exact ?? false },
  }
  if (query.mode === 'bm25') return { ...common, query: queryVector(query.terms), using: layout.lexical ?? '' }
  return { ...common, query: Array.from(query.vector), ...(layout.vector === '' ? {} : { using: layout.vector }) }
}

/** Points of a ranking by the ids that users know; with a layout, scores of its dense side. */
function toFound(points: readonly Schemas['ScoredPoint'][], layout?: Layout): Found[] {
  const toCosine = layout && cosines[layout.distance]
  return points
    .map((point) => {
      const { id, documentId: document } = toPointKey(point)
      return { id, document, score: toCosine ? toCosine(point.score) : point.score }
    })
    .sort(byScoreThenId)
}

function toScored(point: Schemas['ScoredPoint'], layout: Layout, mode: 'dense' | 'bm25'): ScoredPoint {
  const toCosine = mode === 'dense' ? cosines[layout.distance] : undefined
  const score = toCosine ? toCosine(point.score) : point.score
  const scores: Scores = { [mode]: score }
  return { score, scores, point: toPointRecord(point, layout) }
}

function byScoreThenPoint(a: ScoredPoint, b: ScoredPoint): number {
  return byScoreThenId({ id: a.point.id, score: a.score }, { id: b.point.id, score: b.score })
}

function bestOfDocument(ranked: readonly ScoredPoint[]): ScoredPoint[] {
  const best = new Map<string, ScoredPoint>()
  for (const scored of ranked) {
    if (!best.has(scored.point.documentId)) best.set(scored.point.documentId, scored)
  }
  return [...best.values()]
}
