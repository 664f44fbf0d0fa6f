import type { GraphBuilder, ValueName, ValueType } from '../../graph/index.ts'

/** How token vectors become one vector; the names are those of sentence-transformers. */
export type PoolingMode = 'mean' | 'cls' | 'max' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken'

/** The tokens of a text that are pooled: positions within it, padding left out, the last excluded. */
export interface PooledSpan {
  readonly from: number
  readonly to: number
}

interface Pooling {
  /** The graph's input that says what each token counts. */
  readonly input: ValueName
  /** What the token at a position of the span counts. */
  weight(position: number, span: PooledSpan): number
  /** `[batch, sequence, hidden]` → `[batch, hidden]`. */
  append(g: GraphBuilder, tokens: ValueName, weights: ValueName): ValueName
}

/** As sentence-transformers' `Pooling` module defines each mode; a text of which no token is pooled gives zeros. */
export const poolings: Readonly<Record<PoolingMode, Pooling>> = {
  mean: { input: 'pool_mean', weight: (_, { from, to }) => 1 / (to - from), append: weightedSum },
  cls: { input: 'pool_cls', weight: (position, { from }) => Number(position === from), append: weightedSum },
  lasttoken: {
    input: 'pool_lasttoken',
    weight: (position, { to }) => Number(position === to - 1),
    append: weightedSum,
  },
  weightedmean: {
    input: 'pool_weightedmean',
    weight: (position, { from, to }) => (position + 1) / ((to * (to + 1) - from * (from + 1)) / 2),
    append: weightedSum,
  },
  mean_sqrt_len_tokens: {
    input: 'pool_mean_sqrt_len',
    weight: (_, { from, to }) => 1 / Math.sqrt(to - from),
    append: weightedSum,
  },
  max: { input: 'pool_max', weight: () => 1, append: largest },
}

/** Of every pooling input: what each token counts, 0 where it is not pooled. */
export const poolingType: ValueType = { dtype: 'float32', dims: ['batch', 'sequence'] }

/** Appends one mode to token vectors `[batch, sequence, hidden]`: its input, and what gives `[batch, hidden]`. */
export function appendPooling(g: GraphBuilder, tokens: ValueName, mode: PoolingMode): ValueName {
  const { input, append } = poolings[mode]
  return append(g, tokens, g.input(input, poolingType))
}

/** Softmax over nothing gives NaN at padding in some models: what counts nothing is replaced, not multiplied by 0. */
function onlyCounted(g: GraphBuilder, tokens: ValueName, weights: ValueName, otherwise: number): ValueName {
  const counted = g.op('Unsqueeze', [g.op('Greater', [weights, g.scalar(0)]), g.ints([2])])
  return g.op('Where', [counted, tokens, g.scalar(otherwise)])
}

function weightedSum(g: GraphBuilder, tokens: ValueName, weights: ValueName): ValueName {
  const rows = g.op('Unsqueeze', [weights, g.ints([1])])
  return g.op('Squeeze', [g.op('MatMul', [rows, onlyCounted(g, tokens, weights, 0)]), g.ints([1])])
}

const lowest = -3.4e38

function largest(g: GraphBuilder, tokens: ValueName, weights: ValueName): ValueName {
  const maximum = g.op('ReduceMax', [onlyCounted(g, tokens, weights, lowest), g.ints([1])], { keepdims: 0 })
  return g.op('Mul', [maximum, g.op('ReduceMax', [weights, g.ints([1])], { keepdims: 1 })])
}
