import type { Fusion, Scores } from './store.ts'

/** What both sides of a hybrid search say of a point. */
export interface Weighed {
  readonly dense: number
  readonly bm25: number
  /** Place in each side's ranking, from 1, where it is among the candidates of that side. */
  readonly denseRank?: number | undefined
  readonly bm25Rank?: number | undefined
}

/** Rank constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009). */
const rankConstant = 60
/** How much the cosine counts; the rest is BM25's. Measured in docs/decisions/fusion.md. */
const denseWeight = 0.3
/** What a word of a query adds to BM25's score where it is well matched: it makes 1 of that. */
const wordScore = 5

/** Formulas of mode hybrid; `words` is how many different terms the query has. They need no other candidate, so a score is the same on every page. */
export const fusions: Readonly<Record<Fusion, (point: Weighed, words: number) => number>> = {
  /** Σ 1 / (60 + rank). */
  rrf: ({ denseRank, bm25Rank }) => reciprocal(denseRank) + reciprocal(bm25Rank),
  /** 0.3 · cosine + 0.7 · BM25 / (5 · words). */
  scores: ({ dense, bm25 }, words) =>
    denseWeight * dense + ((1 - denseWeight) * bm25) / (wordScore * Math.max(1, words)),
}

function reciprocal(rank: number | undefined): number {
  return rank === undefined ? 0 : 1 / (rankConstant + rank)
}

/** Order of hits everywhere: higher scores first, equal ones by id. */
export function byScoreThenId(a: { id: string; score: number }, b: { id: string; score: number }): number {
  return b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** True where every score that is bounded is there and reaches its bound. */
export function reaches(scores: Scores, least: Scores): boolean {
  return (['dense', 'bm25'] as const).every((side) => {
    const bound = least[side]
    const score = scores[side]
    return bound === undefined || (score !== undefined && score >= bound)
  })
}
