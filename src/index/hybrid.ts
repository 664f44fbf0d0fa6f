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

/** The two sides of a hybrid search, as a store answers them. */
export interface HybridSource {
  /** The best points of each side, at most so many. */
  rankings(depth: number): Promise<{ readonly dense: readonly Found[]; readonly bm25: readonly Found[] }>
  /** Scores of points that the other side found; 0 stands for a text without any of the words. */
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
export async function bestOf(
  count: number,
  ask: (depth: number) => Promise<readonly Found[]>,
  from = count + 1,
): Promise<readonly Found[]> {
  for (let depth = from; ; depth = deeper(depth)) {
    const found = await ask(depth)
    if (isSettled(found, { wanted: count, depth, found })) return found.slice(0, count)
  }
}

/** Fuses both sides, best first. */
export async function rankHybrid(source: HybridSource, options: HybridOptions): Promise<Ranked[]> {
  const { wanted, fusion, words, minScores, groupByDocument } = options
  const toRanked = (candidate: Candidate): Ranked => {
    const { id, document, dense, bm25 } = candidate
    return { id, document, score: fusions[fusion](candidate, words), scores: { dense, bm25 } }
  }
  const ranked: Ranked[] = []
  const known = new Set<string>()
  const documents = new Set<string>()
  for (let depth = candidateDepth; ; depth *= growth) {
    const rankings = await source.rankings(depth)
    const candidates = await complete(source, { ...rankings, depth }, known)
    const ceiling = ranked.at(-1)?.score ?? Number.POSITIVE_INFINITY
    for (const point of candidates.map(toRanked).sort(byScoreThenId)) {
      if (!reaches(point.scores, minScores) || (groupByDocument && documents.has(point.document))) continue
      documents.add(point.document)
      ranked.push(point.score > ceiling ? { ...point, score: ceiling } : point)
    }
    const exhausted = rankings.dense.length < depth && rankings.bm25.length < depth
    if (ranked.length >= wanted || exhausted) return ranked
  }
}

/** Candidates that are new, each with the scores of both sides. */
async function complete(
  source: HybridSource,
  { dense, bm25, depth }: Awaited<ReturnType<HybridSource['rankings']>> & { readonly depth: number },
  known: Set<string>,
): Promise<Candidate[]> {
  const denseOf = new Map(dense.map((point, i) => [point.id, { ...point, rank: i + 1 }]))
  const bm25Of = new Map(bm25.map((point, i) => [point.id, { ...point, rank: i + 1 }]))
  const fresh = [...new Map([...dense, ...bm25].map((point) => [point.id, point])).values()].filter(
    ({ id }) => !known.has(id),
  )
  for (const { id } of fresh) known.add(id)
  const without = (side: ReadonlyMap<string, unknown>) => fresh.flatMap(({ id }) => (side.has(id) ? [] : [id]))
  const wordless = bm25.length < depth // whatever else there is has none of the words
  const missing = await source.scores({ dense: without(denseOf), bm25: wordless ? [] : without(bm25Of) })
  return fresh.flatMap(({ id, document }) => {
    const own = denseOf.get(id)
    const words = bm25Of.get(id)
    const cosine = own?.score ?? missing.dense.get(id)
    if (cosine === undefined) return [] // deleted in between
    return [
      {
        id,
        document,
        dense: cosine,
        bm25: words?.score ?? missing.bm25.get(id) ?? 0,
        denseRank: own?.rank,
        bm25Rank: words?.rank,
      },
    ]
  })
}
