import { factorsOf, productOf } from '../../graph/index.ts'
import type { Tower } from './tower.ts'

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
  const sizes = new Map<string, { readonly texts: number; readonly tokens: number; floats: number }>()
  for (const name of model.graph.nodes.flatMap(({ outputs }) => outputs)) {
    const type = types.get(name)
    if (type?.dtype !== 'float32' || !type.dims) continue
    const { factor, symbols } = factorsOf(productOf(type.dims))
    const counts = (symbol: string) => symbols.filter((one) => one === symbol).length
    const size = sizes.get(symbols.join()) ?? { texts: counts('batch'), tokens: counts('sequence'), floats: 0 }
    size.floats += factor
    sizes.set(symbols.join(), size)
  }
  return (texts, tokens) =>
    [...sizes.values()].reduce((sum, size) => sum + size.floats * texts ** size.texts * tokens ** size.tokens, 0) *
    bytesOfFloat *
    shareAtOnce
}
