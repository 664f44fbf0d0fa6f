import { type Dim, sizeAt, symbolsOf } from '../../graph/index.ts'

/** Stretches of items, in ascending order of what they cost, that are padded together. */
export type Cut = (costs: readonly number[]) => readonly (readonly [from: number, to: number])[]

/** At most so many items, and so much cost with the padding, in a stretch. */
export function cutBySize(limits: { readonly items: number; readonly cost: number }): Cut {
  return (costs) => {
    const stretches: [number, number][] = []
    let from = 0
    for (let to = 1; to <= costs.length; to++) {
      const next = to - from + 1
      const fits = to < costs.length && next <= limits.items && next * (costs[to] ?? 0) <= limits.cost
      if (fits) continue
      stretches.push([from, to])
      from = to
    }
    return stretches
  }
}

/** Cuts into a number of stretches so that the rectangles around them, and with them the padding, are smallest. */
export function cutInGroups(groups: number): Cut {
  return (costs) => smallestRectangles(costs, groups)
}

function smallestRectangles(costs: readonly number[], groups: number): [from: number, to: number][] {
  const count = costs.length
  const parts = Math.min(groups, count)
  const area = (from: number, to: number) => (to - from) * (costs[to - 1] ?? 0)
  let best = Array.from({ length: count + 1 }, (_, to) => (to === 0 ? Number.POSITIVE_INFINITY : area(0, to)))
  const starts: number[][] = []
  for (let part = 1; part < parts; part++) {
    const next = new Array<number>(count + 1).fill(Number.POSITIVE_INFINITY)
    const start = new Array<number>(count + 1).fill(0)
    for (let to = part + 1; to <= count; to++) {
      for (let from = part; from < to; from++) {
        const total = (best[from] ?? 0) + area(from, to)
        if (total < (next[to] ?? 0)) [next[to], start[to]] = [total, from]
      }
    }
    starts.push(start)
    best = next
  }
  const stretches: [number, number][] = []
  let to = count
  for (const start of starts.toReversed()) {
    stretches.unshift([start[to] ?? 0, to])
    to = start[to] ?? 0
  }
  return [[0, to], ...stretches]
}

/** What a step holds for items that are padded to one cost, as plain data: `each` times a count in the symbol `batch` and one that stands for the cost. */
export interface SizeRule {
  readonly count: Dim
  readonly each: number
}

/** The size of so many items of one cost. */
export function sizing({ count, each }: SizeRule): (items: number, cost: number) => number {
  const symbols = symbolsOf(count)
  return (items, cost) => {
    const sizes = symbols.map((symbol) => [symbol, symbol === 'batch' ? items : cost] as const)
    return (sizeAt(count, Object.fromEntries(sizes)) ?? 0) * each
  }
}

/** How the items of a step are put into groups, as plain data. */
export interface CutRules {
  /** Groups of like cost that one graph takes. */
  readonly groups: number
  /** A step larger than this is taken in chunks, each a group. */
  readonly mostAtOnce: number
  /** Items of a step that are taken at once, whatever their size, and of a chunk at most; null leaves it to the sizes. */
  readonly chunkItems: number | null
  /** Cost of a chunk at most, padding included. */
  readonly chunkCost: number
}

/** Items that go the same way, with what they cost in ascending order, and what a step holds for them. */
export interface Load {
  readonly costs: readonly number[]
  readonly size: SizeRule
  /** False for items that must stay in one group. */
  readonly divisible: boolean
}

/** Cuts each load into groups that one graph takes together, or where that would be too large, into chunks. */
export function cutStep(
  loads: readonly Load[],
  { groups, mostAtOnce, chunkItems, chunkCost }: CutRules,
): { readonly stretches: readonly ReturnType<Cut>[]; readonly atOnce: boolean } {
  const inGroups = () => loads.map(({ costs, divisible }) => cutInGroups(divisible ? groups : 1)(costs))
  if (loads.some(({ divisible }) => !divisible)) return { stretches: inGroups(), atOnce: true }
  if (chunkItems !== null) {
    const items = loads.reduce((sum, { costs }) => sum + costs.length, 0)
    if (items <= chunkItems) return { stretches: inGroups(), atOnce: true }
  } else if (leastSize(loads) <= mostAtOnce) {
    const stretches = inGroups() // searched for only where they may fit
    if (paddedSize(loads, stretches) <= mostAtOnce) return { stretches, atOnce: true }
  }
  const inChunks = cutBySize({ items: chunkItems ?? Number.POSITIVE_INFINITY, cost: chunkCost })
  return { stretches: loads.map(({ costs }) => inChunks(costs)), atOnce: false }
}

/** Without any padding. */
function leastSize(loads: readonly Load[]): number {
  return loads.reduce((sum, { costs, size }) => {
    const counts = [...Map.groupBy(costs, (cost) => cost)].map(([cost, same]) => [cost, same.length] as const)
    const sizeOf = sizing(size)
    return counts.reduce((all, [cost, count]) => all + count * sizeOf(1, cost), sum)
  }, 0)
}

function paddedSize(loads: readonly Load[], stretches: readonly ReturnType<Cut>[]): number {
  return loads.reduce((sum, { costs, size }, i) => {
    const sizeOf = sizing(size)
    return (stretches[i] ?? []).reduce((all, [from, to]) => all + sizeOf(to - from, costs[to - 1] ?? 0), sum)
  }, 0)
}
