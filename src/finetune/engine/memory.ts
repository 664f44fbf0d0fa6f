import { productOf, sizeAt, sumOf } from '../../graph/index.ts'
import type { Tower } from '../tower/tower.ts'

/**
 * Of all values that a tower computes, this share is in memory at once while a step is taken, its gradients included: measured on all-MiniLM-L6-v2 with
 * texts of 64 to 256 tokens (`npm run bench:cache`).
 */
const shareAtOnce = 0.5
const bytesOfFloat = 4

/** Bytes that a step holds for a group of texts that are all padded to one length; attention's share grows with the square of it. */
export type GroupBytes = (texts: number, tokens: number) => number

/** Adds up the sizes of a tower's values, which are known but for the numbers of texts and tokens. */
export function groupBytesOf({ model, types }: Tower): GroupBytes {
  const sizesOf = (texts: number, tokens: number) => ({ batch: texts, sequence: tokens })
  const counts = model.graph.nodes.flatMap(({ outputs }) =>
    outputs.flatMap((name) => {
      const type = types.get(name)
      const count = type?.dtype === 'float32' && type.dims ? productOf(type.dims) : undefined
      return count !== undefined && sizeAt(count, sizesOf(1, 1)) !== undefined ? [count] : []
    }),
  )
  const floats = sumOf(counts)
  return (texts, tokens) => (sizeAt(floats, sizesOf(texts, tokens)) ?? 0) * bytesOfFloat * shareAtOnce
}
