import type { Scores } from './store.ts'

/** A point as a side found it, by what the store calls it. */
export interface Scored<Ref> {
  readonly ref: Ref
  readonly score: number
}

/** Whose point it is. */
export interface PointIds {
  readonly id: string
  readonly document: string
}

/** A point in the ranking of one side, where its ids are known. */
export type Found = PointIds & { readonly score: number }

/** A point in a ranking. */
export interface Ranked<Ref> extends Scored<Ref>, PointIds {
  readonly scores: Scores
}

const growth = 4
/** As deep as any page goes, points of equal score are looked through for those whose ids come first; of more, every page takes the same. */
const deepestTie = 20_001

/** True where nothing that a side left out belongs on the page: what it gave ends below it, or nothing is left. */
export function isSettled(
  kept: readonly { readonly score: number }[],
  {
    wanted,
    depth,
    found,
  }: { readonly wanted: number; readonly depth: number; readonly found: readonly { readonly score: number }[] },
): boolean {
  if (found.length < depth) return true
  const last = kept[wanted - 1]
  return last !== undefined && (depth >= deepestTie || last.score > (found.at(-1)?.score ?? 0))
}

/** How deep to look after that was not enough. */
export function deeper(depth: number): number {
  return depth < deepestTie ? Math.min(depth * growth, deepestTie) : depth * growth
}

/** The best points of one side: after those that are sure, several of equal score, of which the ones with the first ids have the places that are left. */
export interface Side<Ref> {
  readonly sure: readonly Scored<Ref>[]
  readonly tied: readonly Scored<Ref>[]
  readonly places: number
}

/** The best of a side, at most so many. */
export async function bestOf<Ref>(
  count: number,
  /** The best of so many, in order. */
  ask: (depth: number) => Promise<readonly Scored<Ref>[]>,
  from = count + 1,
): Promise<Side<Ref>> {
  let depth = from
  let found = await ask(depth)
  while (!isSettled(found, { wanted: count, depth, found })) {
    depth = deeper(depth)
    found = await ask(depth)
  }
  const last = found[count - 1]?.score
  if (last === undefined || last !== found[count]?.score) return { sure: found.slice(0, count), tied: [], places: 0 }
  const sure = found.filter(({ score }) => score > last)
  return { sure, tied: found.filter(({ score }) => score === last), places: count - sure.length }
}

/** What is known of those of these points that are there. */
export function lookedAt<Ref>(
  refs: readonly Ref[],
  ids: ReadonlyMap<Ref, PointIds>,
  cosines: ReadonlyMap<Ref, number>,
): ReadonlyMap<Ref, PointIds & { readonly cosine: number }> {
  return new Map(
    refs.flatMap((ref) => {
      const own = ids.get(ref)
      return own ? [[ref, { ...own, cosine: cosines.get(ref) ?? 0 }]] : []
    }),
  )
}
