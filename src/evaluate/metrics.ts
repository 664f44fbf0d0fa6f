/** Query id → document id → relevance, above 0 for relevant documents. */
export type Relevance = ReadonlyMap<string, ReadonlyMap<string, number>>
/** Query id → document ids, best first. */
export type Rankings = ReadonlyMap<string, readonly string[]>

/** A measure of one query's ranking against what is relevant to it, from 0 to 1. */
export type RankingMetric = (ranking: readonly string[], relevant: ReadonlyMap<string, number>) => number

/** Normalised discounted cumulative gain: relevance / log2(rank + 1), over that of the ideal order (as trec_eval). */
export function ndcgAt(k: number): RankingMetric {
  const gain = (relevances: readonly number[]) =>
    relevances.slice(0, k).reduce((sum, relevance, i) => sum + relevance / Math.log2(i + 2), 0)
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
    return total > 0 ? ranking.slice(0, k).filter((id) => isRelevant(relevant, id)).length / total : 0
  }
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

export const retrievalMetrics = {
  'ndcg@10': ndcgAt(10),
  'mrr@10': mrrAt(10),
  'recall@10': recallAt(10),
  'recall@100': recallAt(100),
  'map@100': averagePrecisionAt(100),
} as const

export type RetrievalScores = Readonly<Record<keyof typeof retrievalMetrics, number>>

/** Means over all queries with something relevant; a query without a ranking counts as 0. */
export function scoreRankings(rankings: Rankings, relevance: Relevance): RetrievalScores {
  const judged = [...relevance].filter(([, relevant]) => countRelevant(relevant) > 0)
  const mean = (metric: RankingMetric) =>
    judged.reduce((sum, [query, relevant]) => sum + metric(rankings.get(query) ?? [], relevant), 0) /
    Math.max(1, judged.length)
  return {
    'ndcg@10': mean(retrievalMetrics['ndcg@10']),
    'mrr@10': mean(retrievalMetrics['mrr@10']),
    'recall@10': mean(retrievalMetrics['recall@10']),
    'recall@100': mean(retrievalMetrics['recall@100']),
    'map@100': mean(retrievalMetrics['map@100']),
  }
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

function countRelevant(relevant: ReadonlyMap<string, number>): number {
  return [...relevant.values()].filter((relevance) => relevance > 0).length
}
