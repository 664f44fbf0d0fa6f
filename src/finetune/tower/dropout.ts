import {
  type Dims,
  dropoutInputs,
  insertDropout,
  productOf,
  type Sizes,
  sizeAt,
  type TypedGraph,
} from '../../graph/index.ts'
import type { HostTensor } from '../../runtime/index.ts'
import { createRandom } from '../../shared/index.ts'
import { int64 } from '../tensors.ts'

/** Where a tower drops values out, and how many. */
export interface Dropout {
  readonly probability: number
  /** Dims of each place in symbols of batch and sequence. */
  readonly places: readonly Dims[]
}

/** Factors of all places come out of one pool, each from a start of its own: as many random numbers as the largest place has values, and these. */
const starts = 1 << 18

/** A tower's graph with places for dropout; as it is for a probability of 0. */
export function withDropout(
  typed: TypedGraph,
  probability: number,
): TypedGraph & { readonly dropout: Dropout | undefined } {
  if (probability === 0) return { ...typed, dropout: undefined }
  const { graph, types, places } = insertDropout(typed)
  return { graph, types, dropout: places.length > 0 ? { probability, places } : undefined }
}

/** The inputs of dropout for a group of items; the same seed gives the same factors. */
export function dropoutFeeds(
  { probability, places }: Dropout,
  { sizes, seed }: { readonly sizes: Sizes; readonly seed: number },
): Readonly<Record<string, HostTensor>> {
  const random = createRandom(seed)
  const counts = places.map((dims) => sizeAt(productOf(dims), sizes) ?? 0)
  const from = counts.map(() => Math.floor(random() * starts))
  const factors = randomFactors(Math.max(...counts) + starts, probability, random)
  return {
    [dropoutInputs.factors]: { dtype: 'float32', dims: [factors.length], data: factors },
    [dropoutInputs.starts]: int64(from),
    [dropoutInputs.ends]: int64(from.map((start, place) => start + (counts[place] ?? 0))),
  }
}

/** 0 with the probability given, in steps of 1 / 65,536, else what keeps the mean at 1; two to a random word. */
function randomFactors(count: number, probability: number, random: () => number): Float32Array {
  const dropped = Math.round(probability * 0x1_0000)
  const kept = 0x1_0000 / (0x1_0000 - dropped)
  const factors = new Float32Array(count + (count % 2))
  for (let i = 0; i < factors.length; i += 2) {
    const word = random() * 2 ** 32
    factors[i] = (word & 0xffff) < dropped ? 0 : kept
    factors[i + 1] = word >>> 16 < dropped ? 0 : kept
  }
  return factors
}
