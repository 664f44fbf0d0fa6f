import { combineSeeds, createRandom, shuffled } from '../../shared/index.ts'
import { type Contested, findConflicts } from './conflicts.ts'
import type { Pair } from './pairs.ts'

export interface SamplerOptions {
  readonly batchSize: number
  readonly seed: number
}

/** Deals pairs into batches, epoch by epoch. */
export interface Sampler {
  /** The batches of an epoch as positions in `pairs`, each of two at least; pairs in none are left out of this epoch. */
  batches(epoch: number): number[][]
  /** Pairs that no epoch takes: their own positive is among their negatives. */
  readonly contradictory: ReadonlySet<number>
  /** The anchor or positive that most pairs share, and how many do. */
  readonly mostShared: { readonly text: string; readonly pairs: number } | undefined
}

/** A batch that is being filled. */
interface Bin {
  readonly positions: number[]
  readonly own: Set<number>
  readonly wrong: Set<number>
}

/** Batches that a pair is offered to before it waits for the next round: what keeps dealing linear. */
const mostOffers = 32
/** Rounds after the first go on while one places at least this share of what it was given. */
const leastPlaced = 1 / 16

/**
 * Pairs that would be each other's wrong answers (`findConflicts`) are never in one batch; all others may be. The first round deals the pairs evenly into as
 * many batches as they fill, and those that most others conflict with choose first; what found no place is dealt into further, smaller batches, and in the
 * end gathered pair by pair. Shuffled by seed and epoch; the time is linear in the number of texts.
 */
export function createSampler(pairs: readonly Pair[], { batchSize, seed }: SamplerOptions): Sampler {
  const { pairs: contested, contradictory, mostShared } = findConflicts(pairs)
  const usable = [...pairs.keys()].filter((position) => !contradictory.has(position))
  return {
    contradictory,
    mostShared,
    batches(epoch) {
      const random = createRandom(combineSeeds(seed, epoch))
      const batches: number[][] = []
      let left = shuffled(usable, random)
      for (let round = 1; left.length > 1; round++) {
        const { order, second } = arrange(left, contested)
        const further = round === 1 ? 0 : Math.min(second, left.length >> 1)
        const bins = Array.from({ length: Math.max(Math.ceil(left.length / batchSize), further) }, createBin)
        const waiting = deal(order, bins, { contested, batchSize })
        const before = left.length
        left = waiting
        for (const { positions } of bins) {
          if (positions.length > 1) batches.push(positions)
          else left.push(...positions)
        }
        if (round > 1 && before - left.length < before * leastPlaced) break
      }
      return shuffled([...batches, ...gather(left, { contested, batchSize })], random)
    },
  }
}

/** Pairs that share their most contested text, one group after the other, the largest first, then the uncontested ones; and the size of the second group. */
function arrange(positions: readonly number[], contested: readonly Contested[]) {
  const counts = new Map<number, number>()
  const textsOf = (position: number) => contested[position]?.own ?? []
  for (const position of positions) for (const text of textsOf(position)) counts.set(text, (counts.get(text) ?? 0) + 1)
  const countOf = (text: number) => counts.get(text) ?? 0
  const groups = new Map<number, number[]>()
  const uncontested: number[] = []
  for (const position of positions) {
    const [first, ...others] = textsOf(position)
    if (first === undefined) {
      uncontested.push(position)
      continue
    }
    const key = others.reduce((most, text) => (countOf(text) > countOf(most) ? text : most), first)
    const group = groups.get(key)
    if (group) group.push(position)
    else groups.set(key, [position])
  }
  const sorted = [...groups.values()].sort((a, b) => b.length - a.length)
  return { order: [...sorted.flat(), ...uncontested], second: sorted[1]?.length ?? 0 }
}

function createBin(): Bin {
  return { positions: [], own: new Set(), wrong: new Set() }
}

/** Gives each pair to the next batch that has room and no conflict with it, in turn; returns those that found none. */
function deal(
  positions: readonly number[],
  bins: readonly Bin[],
  { contested, batchSize }: { readonly contested: readonly Contested[]; readonly batchSize: number },
): number[] {
  const open = [...bins]
  const waiting: number[] = []
  let turn = 0
  for (const position of positions) {
    const texts = contested[position] ?? { own: [], wrong: [] }
    const offers = Math.min(open.length, mostOffers)
    let offer = 0
    while (offer < offers && !fits(open[(turn + offer) % open.length], texts)) offer += 1
    const place = (turn + offer) % open.length
    const bin = open[place]
    if (offer === offers || !bin) {
      waiting.push(position)
      continue
    }
    put(bin, position, texts)
    turn = place + 1
    if (bin.positions.length < batchSize) continue
    const last = open.pop() // takes the place of the full one, and its turn
    if (last && last !== bin) open[place] = last
    turn = place
  }
  return waiting
}

/** Batches of what dealing left: each pair takes those after it that fit, and is left out where none of the next ones does. */
function gather(
  positions: readonly number[],
  { contested, batchSize }: { readonly contested: readonly Contested[]; readonly batchSize: number },
): number[][] {
  const taken = new Set<number>()
  return positions.flatMap((first, at) => {
    if (taken.has(first)) return []
    const bin = createBin()
    for (const position of positions.slice(at, at + 1 + mostOffers)) {
      const texts = contested[position]
      if (!texts || taken.has(position) || bin.positions.length === batchSize || !fits(bin, texts)) continue
      put(bin, position, texts)
    }
    if (bin.positions.length < 2) return []
    for (const position of bin.positions) taken.add(position)
    return [bin.positions]
  })
}

function fits(bin: Bin | undefined, { own, wrong }: Contested): boolean {
  if (!bin) return false
  return own.every((text) => !bin.own.has(text) && !bin.wrong.has(text)) && wrong.every((text) => !bin.own.has(text))
}

function put(bin: Bin, position: number, { own, wrong }: Contested): void {
  bin.positions.push(position)
  for (const text of own) bin.own.add(text)
  for (const text of wrong) bin.wrong.add(text)
}
