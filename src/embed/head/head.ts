import type { GraphBuilder, ValueName } from '../../graph/index.ts'
import { appendLayer, type Layer, type PlaceWeights } from './layers.ts'
import { appendPooling, type PoolingMode } from './pooling.ts'
import { type Reading, readings } from './reading.ts'

/** What makes one vector of what a model gives: pooling of tokens, then modules on the vector, in order. */
export interface Head {
  /** Several modes are put side by side; undefined where the model gives one vector an input. */
  readonly pooling: readonly PoolingMode[] | undefined
  /** How an output for pictures becomes a vector a picture; without, it is one for texts. */
  readonly reading?: Reading
  readonly layers: readonly Layer[]
}

/**
 * Appends a head to a model's output: `[batch, sequence, hidden]` → `[batch, dimensions]`. An output `[batch, dimensions]` is the vector
 * itself and left as it is. Unit length at the end is left to who takes the vectors: it comes after a cut of dimensions, and losses compare
 * directions.
 */
export function appendHead(
  g: GraphBuilder,
  output: ValueName,
  { pooling, reading, layers }: Head,
  place: PlaceWeights,
): ValueName {
  if (reading) return readings[reading].append(g, output)
  if (!pooling || g.dimsOf(output).length === 2) return output
  const pooled = pooling.map((mode) => appendPooling(g, output, mode))
  const [first = '', ...others] = pooled
  const joined = others.length === 0 ? first : g.op('Concat', pooled, { axis: 1 })
  const last = layers.findLastIndex(({ kind }) => kind !== 'normalize')
  return layers.slice(0, last + 1).reduce((input, layer) => appendLayer(g, input, layer, place), joined)
}
