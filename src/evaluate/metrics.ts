import { checkOptionKeys, type OptionKeys, QontrastError } from '../shared/index.ts'

/** Query id → document id → relevance, above 0 for relevant documents. */
export type Relevance = ReadonlyMap<string, ReadonlyMap<string, number>>
/** Document ids, best first; or their scores by id, which are ordered as trec_eval does: equal ones by id, the last first. */
export type Ranking = readonly string[] | ReadonlyMap<string, number>
/** By query id. */
export type Rankings = ReadonlyMap<string, Ranking>

/** A measure of one query's ranking against what is relevant to it, from 0 to 1. */
export type RankingMetric = (ranking: readonly string[], relevant: ReadonlyMap<string, number>) => number

/** Normalised discounted cumulative gain: relevance / log2(rank + 1), over that of the ideal order (as trec_eval); below 0 it gains nothing. */
export function ndcgAt(k: number): RankingMetric {
  const gain = (relevances: readonly number[]) =>
    relevances.slice(0, k).reduce((sum, relevance, i) => sum + Math.max(0, relevance) / Math.log2(i + 2), 0)
  return (ranking, relevant) => {
    const ideal = gain([...relevant.values()].sort((a, b) => b - a))
    return ideal > 0 ? gain(ranking.map((id) => relevant.get(id) ?? 0)) / ideal : 0
  }
}

/** One over the rank of the first relevant document. */
export function mrrAt(k: number): RankingMetric {
  return (ranking, relevant) => {
    const first = ranking.slice(0, k).findIndex((id) => isRelevant(relevant, id))
    return first < 0 ? 0 : 1 / (first + 1)
  }
}

/** Share of the relevant documents among the first k. */
export function recallAt(k: number): RankingMetric {
  return (ranking, relevant) => {
    const total = countRelevant(relevant)
    return total > 0 ? countFound(ranking.slice(0, k), relevant) / total : 0
  }
}

/** Share of k that relevant documents take, however many were found. */
export function precisionAt(k: number): RankingMetric {
  return (ranking, relevant) => countFound(ranking.slice(0, k), relevant) / k
}

/** Mean of the precision at each relevant document, over all that are relevant. */
export function averagePrecisionAt(k: number): RankingMetric {
  return (ranking, relevant) => {
    const total = countRelevant(relevant)
    let found = 0
    let sum = 0
    ranking.slice(0, k).forEach((id, i) => {
      if (!isRelevant(relevant, id)) return
      found += 1
      sum += found / (i + 1)
    })
    return total > 0 ? sum / total : 0
  }
}

const metricsAt = {
  ndcg: ndcgAt,
  mrr: mrrAt,
  recall: recallAt,
  map: averagePrecisionAt,
  precision: precisionAt,
} as const

/** A metric and how far down it looks, such as `ndcg@10`. */
export type Measure = `${keyof typeof metricsAt}@${number}`

export const defaultMeasures = ['ndcg@10', 'mrr@10', 'recall@10', 'recall@100', 'map@100'] as const
const deepest = 1_000

export interface ScoreOptions<M extends Measure = Measure> {
  readonly measures?: readonly M[]
  /** Counts a document that has the id of the query; BEIR leaves it out, since some of its queries are documents themselves. */
  readonly keepOwnIds?: boolean
}

export const scoreKeys: OptionKeys<ScoreOptions> = { measures: true, keepOwnIds: true }

/** The metric that a measure names and its depth; `invalid-option` for what is none. */
export function measureOf(measure: string): { readonly metric: RankingMetric; readonly depth: number } {
  const found = partsOf(measure)
  if (found) return found
  throw new QontrastError(
    'invalid-option',
    `A measure is one of ${Object.keys(metricsAt).join(', ')} with @ and a depth of 1 to ${deepest}, such as ndcg@10; got ${JSON.stringify(measure)}.`,
  )
}

export function isMeasure(text: string): text is Measure {
  return partsOf(text) !== undefined
}

function partsOf(measure: string) {
  const [, name = '', k = ''] = /^([a-z]+)@([1-9]\d*)$/.exec(measure) ?? []
  const [, at] = Object.entries(metricsAt).find(([known]) => known === name) ?? []
  const depth = Number(k)
  return at && depth <= deepest ? { metric: at(depth), depth } : undefined
}

/**
 * Means over all queries that are judged, as trec_eval and BEIR compute them: a query without a ranking, or without anything relevant, counts as 0,
 * and a document that has the query's own id does not count.
 */
export function scoreRankings<M extends Measure = (typeof defaultMeasures)[number]>(
  rankings: Rankings,
  relevance: Relevance,
  options: ScoreOptions<M> = {},
): Readonly<Record<M, number>> {
  checkOptionKeys('scoreRankings', options, scoreKeys)
  const { measures, keepOwnIds = false } = options
  const ranked = [...relevance].map(([query, relevant]) => {
    const ids = orderOf(rankings.get(query) ?? [])
    return { ids: keepOwnIds ? ids : ids.filter((id) => id !== query), relevant }
  })
  const scores = (measures ?? defaultMeasures).map((measure) => {
    const { metric } = measureOf(measure)
    const sum = ranked.reduce((before, { ids, relevant }) => before + metric(ids, relevant), 0)
    return [measure, sum / Math.max(1, ranked.length)]
  })
  return Object.fromEntries(scores)
}

/** Ids best first, each once. trec_eval holds scores as 32-bit floats, and compares ids by their bytes. */
function orderOf(ranking: Ranking): readonly string[] {
  if (Symbol.iterator in ranking && !('get' in ranking)) return [...new Set(ranking)]
  const scored = [...ranking].map(([id, score]) => ({ id, score: Math.fround(score), bytes: Buffer.from(id) }))
  return scored.sort((a, b) => b.score - a.score || Buffer.compare(b.bytes, a.bytes)).map(({ id }) => id)
}

/** Spearman's rank correlation; equal values share the mean of their ranks. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  return pearson(ranksOf(a), ranksOf(b))
}

function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanA, meanB] = [mean(a), mean(b)]
  let covariance = 0
  let varianceA = 0
  let varianceB = 0
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB]
    covariance += x * y
    varianceA += x * x
    varianceB += y * y
  }
  return covariance / Math.sqrt(varianceA * varianceB)
}

function ranksOf(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!)
  const ranks = new Array<number>(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start
    while (end < order.length && values[order[end]!] === values[order[start]!]) end += 1
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + end + 1) / 2
    start = end
  }
  return ranks
}

function isRelevant(relevant: ReadonlyMap<string, number>, id: string): boolean {
  return (relevant.get(id) ?? 0) > 0
}

function countFound(ids: readonly string[], relevant: ReadonlyMap<string, number>): number {
  return ids.filter((id) => isRelevant(relevant, id)).length
}

function countRelevant(relevant: ReadonlyMap<string, number>): number {
  return [...relevant.values()].filter((relevance) => relevance > 0).length
}
