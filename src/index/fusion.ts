/** Rank constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009). */
const rankConstant = 60

/** Fuses rankings of ids: score = Σ 1 / (60 + rank), ranks from 1. Best first, equal scores by id. */
export function reciprocalRankFusion(rankings: readonly (readonly string[])[]): { id: string; score: number }[] {
  const scores = new Map<string, number>()
  for (const ranking of rankings) {
    ranking.forEach((id, i) => scores.set(id, (scores.get(id) ?? 0) + 1 / (rankConstant + i + 1)))
  }
  return [...scores].map(([id, score]) => ({ id, score })).sort(byScoreThenId)
}

/** Order of hits everywhere: higher scores first, equal ones by id. */
export function byScoreThenId(a: { id: string; score: number }, b: { id: string; score: number }): number {
  return b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
