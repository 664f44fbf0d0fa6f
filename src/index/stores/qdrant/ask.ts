import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import type { PointRecord } from '../store.ts'
import { inParallel, piecesOf } from './batches.ts'
import type { Described } from './collections.ts'
import type { Connection } from './connection.ts'
import type { QdrantOptions } from './options.ts'
import { toPointRecord } from './records.ts'

export type Request = Schemas['QueryRequest'] & { readonly limit: number }
export type PointId = Schemas['ExtendedPointId']
type Answer = Schemas['ScoredPoint'][]

/** Where queries go. */
export interface QueryPlace {
  readonly connection: Connection
  readonly collection: string
  readonly described: Described
  readonly options: QdrantOptions
}

/** Requests under way at once. */
const parallelRequests = 3

/**
 * The answers to many requests, in their order. A walk through the graph ends early where many vectors are equal, so what gives less than was asked for
 * is asked for again, compared with every vector.
 */
export async function ask(place: QueryPlace, requests: readonly Request[]): Promise<Answer[]> {
  const answers = await askDeep(place, requests)
  const short = [...requests.entries()].filter(
    ([at, { query, limit, params }]) =>
      Array.isArray(query) && !params?.exact && place.described.limits.exact && (answers[at]?.length ?? 0) < limit,
  )
  const whole = await askDeep(
    place,
    short.map(([, request]) => ({ ...request, params: { ...request.params, exact: true } })),
  )
  for (const [i, [at]] of short.entries()) answers[at] = whole[i] ?? []
  return answers
}

/** What is deeper than one answer may be is asked for again without what came before. */
async function askDeep(place: QueryPlace, requests: readonly Request[]): Promise<Answer[]> {
  const most = place.described.limits.hits
  const answers: Answer[] = requests.map(() => [])
  let open = [...requests.entries()]
  while (open.length > 0) {
    const nexts = open.map(([at, request]) => following(place, request, answers[at] ?? []))
    const found = await askOnce(place, nexts)
    open = open.filter(([at, { limit }], i) => {
      const points = found[i] ?? []
      const answer = [...(answers[at] ?? []), ...points]
      answers[at] = answer
      return points.length === most && answer.length < limit
    })
  }
  return answers
}

function following({ collection, described: { limits } }: QueryPlace, request: Request, known: Answer): Request {
  const { limit, filter } = request
  if (limit <= limits.hits) return request
  const others = piecesOf(
    known.map(({ id }) => id),
    limits.values,
  ).map((ids) => ({ has_id: ids }))
  if (others.length > limits.conditions)
    throw new QontrastError(
      'invalid-option',
      `'${collection}' is in strict mode, where an answer has at most ${limits.hits} hits, so it cannot be searched so deep. Ask for less (limit and offset), or raise its max_query_limit.`,
    )
  return { ...request, filter: { ...filter, must_not: others }, limit: Math.min(limits.hits, limit - known.length) }
}

async function askOnce(place: QueryPlace, requests: readonly Request[]): Promise<Answer[]> {
  const { connection, collection, described } = place
  const pieces = piecesOf(requests, described.limits.searches)
  const answers: Answer[][] = pieces.map(() => [])
  await inParallel([...pieces.entries()], parallelRequests, async ([i, searches]) => {
    const results = await connection.call(collection, (client) =>
      client.queryBatch(collection, { searches, ...consistencyOf(place) }),
    )
    answers[i] = results.map(({ points }) => points)
  })
  return answers.flat()
}

/** What points are, by their ids; one that was deleted in between is not there. */
export async function recordsOf(place: QueryPlace, ids: readonly PointId[]): Promise<Map<PointId, PointRecord>> {
  const points = await retrieve(place, ids, true)
  return new Map(points.map((point) => [point.id, toPointRecord(point, place.described.layout)]))
}

/** Points by their ids, with as much of their payloads as is asked for. */
export async function retrieve(
  place: QueryPlace,
  ids: readonly PointId[],
  payload: true | string[],
): Promise<Schemas['Record'][]> {
  const { connection, collection } = place
  const points: Schemas['Record'][] = []
  for (const piece of piecesOf([...new Set(ids)], 1_000)) {
    const found = await connection.call(collection, (client) =>
      client.retrieve(collection, { ids: piece, with_payload: payload, ...consistencyOf(place) }),
    )
    points.push(...found)
  }
  return points
}

function consistencyOf({ options: { consistency } }: QueryPlace): Pick<QdrantOptions, 'consistency'> {
  return consistency === undefined ? {} : { consistency }
}
