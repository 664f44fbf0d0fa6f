import { createPace } from '../../shared/index.ts'
import { byScoreThenId, type Candidate, fusions, reaches } from './fusion.ts'
import type { Fusion, Scores } from './store.ts'

/** A point in a ranking. */
export interface Ranked {
  readonly id: string
  readonly document: string
  readonly score: number
  readonly scores: Scores
}

export type Found = Pick<Ranked, 'id' | 'document' | 'score'>

/** A point that the side of words found; its cosine, where that came along. */
export interface FoundByWords extends Found {
  readonly cosine?: number | undefined
}

interface Rankings {
  readonly dense: readonly Found[]
  readonly bm25: readonly FoundByWords[]
}

/** The two sides of a hybrid search, as a store answers them. */
export interface HybridSource {
  /** The best points of each side, at most so many. */
  rankings(depth: number): Promise<Rankings>
  /** Scores of points that the other side found, and that may belong on the page; 0 stands for a text without any of the words. */
  scores(missing: {
    readonly dense: readonly string[]
    readonly bm25: readonly string[]
  }): Promise<{ readonly dense: ReadonlyMap<string, number>; readonly bm25: ReadonlyMap<string, number> }>
}

export interface HybridOptions {
  /** Points, or documents where grouped, that the page and those before it need. */
  readonly wanted: number
  readonly fusion: Fusion
  /** Different terms of the query. */
  readonly words: number
  readonly minScores: Scores
  readonly groupByDocument: boolean
}

/** Points of each side that are candidates, whatever the page, so that pages agree. Deeper pages go on with the next ones, which stay behind. */
export const candidateDepth = 200
const growth = 4
/** As deep as any page goes, points of equal score are looked through for those whose ids come first; of more, every page takes the same. */
const deepestTie = 20_001

/** True where nothing that a side left out belongs on the page: what it gave ends below it, or nothing is left. */
export function isSettled(
  kept: readonly Pick<Found, 'score'>[],
  {
    wanted,
    depth,
    found,
  }: { readonly wanted: number; readonly depth: number; readonly found: readonly Pick<Found, 'score'>[] },
): boolean {
  if (found.length < depth) return true
  const last = kept[wanted - 1]
  return last !== undefined && (depth >= deepestTie || last.score > (found.at(-1)?.score ?? 0))
}

/** How deep to look after that was not enough. */
export function deeper(depth: number): number {
  return depth < deepestTie ? Math.min(depth * growth, deepestTie) : depth * growth
}

/** The best of a ranking, at most so many: of equal scores at its end those whose ids come first. */
export async function bestOf<Point extends Found>(
  count: number,
  ask: (depth: number) => Promise<readonly Point[]>,
  from = count + 1,
): Promise<readonly Point[]> {
  for (let depth = from; ; depth = deeper(depth)) {
    const found = await ask(depth)
    if (isSettled(found, { wanted: count, depth, found })) return found.slice(0, count)
  }
}

/** Fuses both sides, best first; right as far as the wanted ones go. */
export async function rankHybrid(source: HybridSource, options: HybridOptions): Promise<Ranked[]> {
  const { wanted, fusion, words, minScores, groupByDocument } = options
  const toRanked = (candidate: Candidate): Ranked => {
    const { id, document, dense, bm25 } = candidate
    return { id, document, score: fusions[fusion](candidate, words), scores: { dense, bm25 } }
  }
  const ranked: Ranked[] = []
  const known = new Set<string>()
  const documents = new Set<string>()

  /** What stays of candidates, in order: those that reach the bounds, and the best of each document that is not there yet. */
  function kept(candidates: readonly Candidate[]): Ranked[] {
    const taken = new Set<string>()
    return candidates
      .map(toRanked)
      .filter(({ scores }) => reaches(scores, minScores))
      .sort(byScoreThenId)
      .filter(({ document }) => {
        if (!groupByDocument) return true
        const isNew = !documents.has(document) && !taken.has(document)
        taken.add(document)
        return isNew
      })
  }

  /** Those that are on the page even if their unknown scores are as high as these can be. */
  function mayReach(candidates: readonly Partly[]): Partly[] {
    const bar = kept(candidates.filter(isWhole))[wanted - ranked.length - 1]?.score ?? Number.NEGATIVE_INFINITY
    return candidates.filter((candidate) => {
      const best = toRanked({ ...candidate, ...atMost(candidate) })
      return best.score >= bar && reaches(best.scores, minScores)
    })
  }

  const pace = createPace()
  for (let depth = candidateDepth; ; depth *= growth) {
    const rankings = await source.rankings(depth)
    await pace()
    const fresh = merged(rankings, depth).filter(({ id }) => !known.has(id))
    for (const { id } of fresh) known.add(id)
    const ceiling = ranked.at(-1)?.score ?? Number.POSITIVE_INFINITY
    for (const point of kept(await completed(source, mayReach(fresh)))) {
      documents.add(point.document)
      ranked.push(point.score > ceiling ? { ...point, score: ceiling } : point)
    }
    const exhausted = rankings.dense.length < depth && rankings.bm25.length < depth
    if (ranked.length >= wanted || exhausted) return ranked
  }
}

/** A candidate of which a score may be unknown, and then what it is at most. */
type Partly = Omit<Candidate, 'dense' | 'bm25'> & {
  readonly dense: number | undefined
  readonly bm25: number | undefined
  readonly most: { readonly dense: number; readonly bm25: number }
}

/** Stores compute with 32-bit floats, not always in the same order. */
const roundingShare = 1e-3

function isWhole(candidate: Partly): candidate is Partly & Candidate {
  return candidate.dense !== undefined && candidate.bm25 !== undefined
}

function atMost({ dense, bm25, most }: Partly): { dense: number; bm25: number } {
  return { dense: dense ?? most.dense, bm25: bm25 ?? most.bm25 }
}

/** The points of both sides. What the side of words left out has at most the score of its last one; none of the words, if it left out nothing. */
function merged({ dense, bm25 }: Rankings, depth: number): Partly[] {
  const denseOf = new Map(dense.map((point, i) => [point.id, { ...point, rank: i + 1 }]))
  const bm25Of = new Map(bm25.map((point, i) => [point.id, { ...point, rank: i + 1 }]))
  const wordless = bm25.length < depth
  const most = { dense: 1 + roundingShare, bm25: (bm25.at(-1)?.score ?? 0) * (1 + roundingShare) }
  return [...new Map([...dense, ...bm25].map((point) => [point.id, point])).values()].map(({ id, document }) => {
    const own = denseOf.get(id)
    const words = bm25Of.get(id)
    return {
      id,
      document,
      dense: own?.score ?? words?.cosine,
      bm25: words?.score ?? (wordless ? 0 : undefined),
      denseRank: own?.rank,
      bm25Rank: words?.rank,
      most,
    }
  })
}

/** Candidates with the scores of both sides. */
async function completed(source: HybridSource, candidates: readonly Partly[]): Promise<Candidate[]> {
  const without = (side: 'dense' | 'bm25') => candidates.flatMap((one) => (one[side] === undefined ? one.id : []))
  const missing = { dense: without('dense'), bm25: without('bm25') }
  const nothing = missing.dense.length === 0 && missing.bm25.length === 0
  const found = nothing ? undefined : await source.scores(missing)
  return candidates.flatMap((candidate) => {
    const dense = candidate.dense ?? found?.dense.get(candidate.id)
    if (dense === undefined) return [] // deleted in between
    return [{ ...candidate, dense, bm25: candidate.bm25 ?? found?.bm25.get(candidate.id) ?? 0 }]
  })
}
