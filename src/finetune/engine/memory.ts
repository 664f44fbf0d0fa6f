import { productOf, sizeAt, sumOf } from '../../graph/index.ts'
import type { CutRules, SizeRule } from '../data/cut.ts'
import type { Tower } from '../tower/tower.ts'
import type { Way } from './take-steps.ts'

/**
 * Of all values that a tower computes, this share is in memory at once while a step is taken, its gradients included: measured on all-MiniLM-L6-v2 with
 * texts of 64 to 256 tokens (`npm run bench:cache`).
 */
const shareAtOnce = 0.5
const bytesOfFloat = 4

/** Bytes that a step holds for a group of items, from the sizes of a tower's values; attention's share grows with the square of a text's length. */
export function bytesOf({ model, types }: Pick<Tower, 'model' | 'types'>): SizeRule {
  const counts = model.graph.nodes.flatMap(({ outputs }) =>
    outputs.flatMap((name) => {
      const type = types.get(name)
      const count = type?.dtype === 'float32' && type.dims ? productOf(type.dims) : undefined
      return count !== undefined && sizeAt(count, { batch: 1, sequence: 1 }) !== undefined ? [count] : []
    }),
  )
  return { count: sumOf(counts), each: bytesOfFloat * shareAtOnce }
}

/** Padding included; devices have memory of their own, which is not ours to know. */
const costOnDevice: SizeRule = { count: 'batch*sequence', each: 1 }
/**
 * A step on the host that would hold more than this is taken in chunks, which hold the memory of one chunk and take about 1.35 times the time. For
 * all-MiniLM-L6-v2 these are 6,000 tokens in texts of 128, 4,500 in texts of 256 (`npm run bench:cache`).
 */
const mostBytesAtOnce = 2e9
const mostCostOnDevice = 16_384
/** Items of a step are padded in four groups of like cost. */
const groups = 4
const chunkCost = 1_536

/** When a step is taken in chunks, in one way of stepping. */
export function cutRulesOf(way: Way, chunkItems: number | null): CutRules {
  return { groups, mostAtOnce: way === 'host' ? mostBytesAtOnce : mostCostOnDevice, chunkItems, chunkCost }
}

/** What a step of a tower counts for in one way of stepping. */
export function sizeRuleOf(way: Way, tower: Tower | undefined): SizeRule {
  return way === 'host' && tower ? bytesOf(tower) : costOnDevice
}
