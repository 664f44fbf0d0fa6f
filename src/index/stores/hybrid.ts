import { createPace } from '../../shared/index.ts'
import { byScoreThenId, fusions, reaches, type Weighed } from './fusion.ts'
import type { PointIds, Ranked, Scored, Side } from './ranking.ts'
import type { Fusion, Scores } from './store.ts'

/** The two sides of a hybrid search, as a store answers them. */
export interface HybridSource<Ref> {
  /** The best points by their words, at most so many. */
  words(depth: number): Promise<Side<Ref>>
  /** The best points by their vectors, at most so many. */
  nearest(depth: number): Promise<Side<Ref>>
  /** Whose points they are. One that was deleted in between is not there. */
  ids(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, PointIds>>
  cosines(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, number>>
  /** Both, of points that may be on the page. */
  look(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, PointIds & { readonly cosine: number }>>
  /** BM25 scores of points that are not among the best; one that has none of the words is not there. */
  wordScores(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, number>>
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
/** So many of the best by their words are looked at first: mostly they tell from which score on the page is reached. */
const firstLook = ({ places, groupByDocument }: { places: number; groupByDocument: boolean }) =>
  20 + places * (groupByDocument ? 3 : 1)
/** From so many on, cosines are asked for before points are looked at. */
const many = 12
/** Stores compute with 32-bit floats, not always in the same order. */
const rounding = 1e-3

type Candidate<Ref> = Weighed & PointIds & { readonly ref: Ref }
type BothScores = Required<Scores>

/** What was found within a depth, and the most that each side may say of what was not; undefined where that is nothing. */
interface Block<Ref> {
  readonly candidates: readonly Candidate<Ref>[]
  readonly beyond: BothScores | undefined
}

/** What a block is found for. */
interface Frame<Ref> {
  readonly depth: number
  /** How many of the best by their words are looked at first. */
  readonly first: number
  isNew(point: { readonly ref: Ref }): boolean
  /** Says of what a point has at most whether it may be on the page, beside these candidates. */
  mayReach(candidates: readonly Candidate<Ref>[]): (most: Weighed) => boolean
  /** Whether scores have bounds. */
  readonly bounded: boolean
}

/** Fuses both sides, best first; right as far as the wanted ones go. */
export async function rankHybrid<Ref>(source: HybridSource<Ref>, options: HybridOptions): Promise<Ranked<Ref>[]> {
  const { wanted, fusion, words, minScores, groupByDocument } = options
  const ranked: Ranked<Ref>[] = []
  const known = new Set<Ref>()
  const documents = new Set<string>()

  /** What stays of candidates, in order: those that reach the bounds, and the best of each document that is not there yet. */
  function kept(candidates: readonly Candidate<Ref>[]): Ranked<Ref>[] {
    const taken = new Set<string>()
    return candidates
      .map((candidate): Ranked<Ref> => {
        const { ref, id, document, dense, bm25 } = candidate
        return { ref, id, document, score: fusions[fusion](candidate, words), scores: { dense, bm25 } }
      })
      .filter(({ scores }) => reaches(scores, minScores))
      .sort(byScoreThenId)
      .filter(({ document }) => {
        if (!groupByDocument) return true
        const isNew = !documents.has(document) && !taken.has(document)
        taken.add(document)
        return isNew
      })
  }

  function mayReach(candidates: readonly Candidate<Ref>[]): (most: Weighed) => boolean {
    const bar = kept(candidates)[wanted - ranked.length - 1]?.score ?? Number.NEGATIVE_INFINITY
    return (most) => fusions[fusion](most, words) >= bar && reaches(most, minScores)
  }

  const pace = createPace()
  for (let depth = candidateDepth; ; depth *= growth) {
    const first = firstLook({ places: wanted - ranked.length, groupByDocument })
    const { candidates, beyond } = await blocks[fusion](source, {
      depth,
      first,
      isNew: ({ ref }) => !known.has(ref),
      mayReach,
      bounded: minScores.dense !== undefined || minScores.bm25 !== undefined,
    })
    await pace()
    for (const { ref } of candidates) known.add(ref)
    const ceiling = ranked.at(-1)?.score ?? Number.POSITIVE_INFINITY
    for (const point of kept(candidates)) {
      documents.add(point.document)
      ranked.push(point.score > ceiling ? { ...point, score: ceiling } : point)
    }
    if (ranked.length >= wanted || !beyond || !reaches(beyond, minScores)) return ranked
  }
}

/** How candidates are found for each way of fusing. */
const blocks: Readonly<Record<Fusion, <Ref>(source: HybridSource<Ref>, frame: Frame<Ref>) => Promise<Block<Ref>>>> = {
  scores: byScores,
  rrf: byRanks,
}

/** Looks only at what may be on the page. The best by their words are looked at first; the side of vectors is asked only where the best cosine could bring there what it finds. */
async function byScores<Ref>(source: HybridSource<Ref>, frame: Frame<Ref>): Promise<Block<Ref>> {
  const { depth, first, isNew } = frame
  const words = await source.words(depth)
  const bm25 = scoresOf(words)
  const candidates = new Map<Ref, Candidate<Ref>>()
  /** The most that cosines are, as far as something is known of them. */
  const cosines = new Map<Ref, number>()
  let most = mostBeyond({ words }, depth)
  let mayReach = frame.mayReach([])

  function open(points: readonly Scored<Ref>[]): readonly Scored<Ref>[] {
    return points.filter((point) => {
      if (!isNew(point) || candidates.has(point.ref)) return false
      return mayReach({ dense: cosines.get(point.ref) ?? most.dense, bm25: bm25.get(point.ref) ?? most.bm25 })
    })
  }

  async function take(points: readonly Scored<Ref>[]): Promise<void> {
    let taken = open(points)
    if (candidates.size > 0 && taken.length >= many) {
      for (const [ref, cosine] of await source.cosines(taken.map(({ ref }) => ref))) cosines.set(ref, cosine)
      taken = open(points)
    }
    if (taken.length === 0) return
    for (const candidate of await weighed(source, taken, { bm25, most })) candidates.set(candidate.ref, candidate)
    mayReach = frame.mayReach([...candidates.values()])
  }

  async function takeSide(side: Side<Ref>): Promise<void> {
    await take(side.sure)
    if (open(side.tied).length > 0) await take(await firstOfTied(source, side))
  }

  await take(words.sure.slice(0, first))
  const nearest = mayReach(most) ? await source.nearest(depth) : undefined
  if (nearest) {
    most = mostBeyond({ words, nearest }, depth)
    for (const [ref, cosine] of scoresOf(nearest)) cosines.set(ref, cosine + rounding)
  }
  await takeSide(words)
  if (nearest) await takeSide(nearest)
  return { candidates: [...candidates.values()], beyond: isAll({ words, nearest }, depth) ? undefined : most }
}

/** Ranks all that both sides found, by ids where scores are equal, and looks at what is on the page, or at everything where scores have bounds. */
async function byRanks<Ref>(source: HybridSource<Ref>, frame: Frame<Ref>): Promise<Block<Ref>> {
  const { depth } = frame
  const [words, nearest] = await Promise.all([source.words(depth), source.nearest(depth)])
  const most = mostBeyond({ words, nearest }, depth)
  const [bm25, cosines] = [scoresOf(words), scoresOf(nearest)]
  const ids = await source.ids([...new Set([...bm25.keys(), ...cosines.keys()])])
  const ranksOf = async (side: Side<Ref>) => {
    const points = [...side.sure, ...(await firstOfTied(source, side))]
    const inOrder = points.map((point) => ({ ...point, id: ids.get(point.ref)?.id ?? '' })).sort(byScoreThenId)
    return new Map(inOrder.map(({ ref }, i) => [ref, i + 1]))
  }
  const [bm25Ranks, denseRanks] = [await ranksOf(words), await ranksOf(nearest)]
  const points = [...new Set([...bm25Ranks.keys(), ...denseRanks.keys()])].flatMap((ref) => {
    const own = ids.get(ref)
    return own ? [{ ...own, ref, ...most, bm25Rank: bm25Ranks.get(ref), denseRank: denseRanks.get(ref) }] : []
  })
  const fresh = points.filter(frame.isNew)
  const open = frame.bounded ? fresh : fresh.filter(frame.mayReach(fresh))
  const ranks = new Map(open.map(({ ref, bm25Rank, denseRank }) => [ref, { bm25Rank, denseRank }]))
  const candidates = (await weighed(source, open, { bm25, most })).map((one) => ({ ...one, ...ranks.get(one.ref) }))
  return { candidates, beyond: isAll({ words, nearest }, depth) ? undefined : most }
}

/** Of points of equal score those with the first ids, as many as have a place. */
async function firstOfTied<Ref>(source: HybridSource<Ref>, { tied, places }: Side<Ref>): Promise<Scored<Ref>[]> {
  const ids = await source.ids(tied.map(({ ref }) => ref))
  return tied
    .map((point) => ({ ...point, id: ids.get(point.ref)?.id ?? '' }))
    .sort(byScoreThenId)
    .slice(0, places)
}

interface Sides<Ref> {
  readonly words: Side<Ref>
  readonly nearest?: Side<Ref> | undefined
}

function scoresOf<Ref>({ sure, tied }: Side<Ref>): ReadonlyMap<Ref, number> {
  return new Map([...sure, ...tied].map(({ ref, score }) => [ref, score]))
}

/** What each side says at most of a point that it left out: of one without any of the words, 0. */
function mostBeyond<Ref>({ words, nearest }: Sides<Ref>, depth: number): BothScores {
  const lastOf = (side: Side<Ref> | undefined) =>
    side && isFull(side, depth) ? (side.tied[0] ?? side.sure.at(-1))?.score : undefined
  return { dense: (lastOf(nearest) ?? 1) + rounding, bm25: (lastOf(words) ?? 0) * (1 + rounding) }
}

function isAll<Ref>({ words, nearest }: Sides<Ref>, depth: number): boolean {
  return !isFull(words, depth) && nearest !== undefined && !isFull(nearest, depth)
}

function isFull<Ref>({ sure, places }: Side<Ref>, depth: number): boolean {
  return sure.length + places >= depth
}

/** Points with the scores of both sides. */
async function weighed<Ref>(
  source: HybridSource<Ref>,
  points: readonly { readonly ref: Ref }[],
  { bm25, most }: { readonly bm25: ReadonlyMap<Ref, number>; readonly most: BothScores },
): Promise<Candidate<Ref>[]> {
  const refs = points.map(({ ref }) => ref)
  const unknown = most.bm25 === 0 ? [] : refs.filter((ref) => !bm25.has(ref))
  const [looks, further] = await Promise.all([
    source.look(refs),
    unknown.length === 0 ? undefined : source.wordScores(unknown),
  ])
  return refs.flatMap((ref) => {
    const seen = looks.get(ref)
    if (!seen) return [] // deleted in between
    const { id, document, cosine } = seen
    return [{ ref, id, document, dense: cosine, bm25: bm25.get(ref) ?? further?.get(ref) ?? 0 }]
  })
}
