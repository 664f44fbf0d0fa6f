import type { PoolingMode } from './modules.ts'

/** The tokens of one text within a padded batch: `values` is `[batch × sequence, hidden]`, row-major. */
export interface TokenSpan {
  readonly values: Float32Array
  readonly hidden: number
  /** First row of the text, padding and whatever is not pooled left out, and the row after its last. */
  readonly from: number
  readonly to: number
  /** First row of the text with everything counted in: positions are counted from here. */
  readonly origin: number
}

type Pool = (span: TokenSpan, out: Float32Array) => void

/** Writes `out[hidden]`; as sentence-transformers' `Pooling` module defines each mode. */
const pools: Record<PoolingMode, Pool> = {
  mean: (span, out) =>
    weightedSum(
      span,
      out,
      () => 1,
      (rows) => rows,
    ),
  mean_sqrt_len_tokens: (span, out) => weightedSum(span, out, () => 1, Math.sqrt),
  weightedmean: (span, out) =>
    weightedSum(
      span,
      out,
      (row) => row - span.origin + 1,
      (weights) => weights,
    ),
  cls: ({ values, hidden, from }, out) => out.set(values.subarray(from * hidden, (from + 1) * hidden)),
  lasttoken: ({ values, hidden, to }, out) => out.set(values.subarray((to - 1) * hidden, to * hidden)),
  max: ({ values, hidden, from, to }, out) => {
    out.fill(Number.NEGATIVE_INFINITY)
    for (let row = from; row < to; row++) {
      for (let i = 0; i < hidden; i++) out[i] = Math.max(out[i]!, values[row * hidden + i]!)
    }
  },
}

/** One vector of `modes.length × hidden` values for one text; a text without tokens to pool gives zeros. */
export function pool(span: TokenSpan, modes: readonly PoolingMode[]): Float32Array {
  const out = new Float32Array(modes.length * span.hidden)
  if (span.to <= span.from) return out
  modes.forEach((mode, i) => pools[mode](span, out.subarray(i * span.hidden, (i + 1) * span.hidden)))
  return out
}

function weightedSum(
  { values, hidden, from, to }: TokenSpan,
  out: Float32Array,
  weightOf: (row: number) => number,
  divisorOf: (weights: number) => number,
): void {
  const sums = new Float64Array(hidden)
  let weights = 0
  for (let row = from; row < to; row++) {
    const weight = weightOf(row)
    weights += weight
    const base = row * hidden
    for (let i = 0; i < hidden; i++) sums[i]! += weight * values[base + i]!
  }
  const divisor = divisorOf(weights)
  for (let i = 0; i < hidden; i++) out[i] = sums[i]! / divisor
}
