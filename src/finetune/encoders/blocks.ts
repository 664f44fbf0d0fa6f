import { type GraphBuilder, int64Tensor, type ValueName } from '../../graph/index.ts'
import type { Writing } from './definition.ts'
import { type Initializer, ones, truncatedNormal, zeros } from './initialize.ts'

/** BERT's, ViT's and many others' weights begin so. */
export const narrow: Initializer = truncatedNormal({ std: 0.02 })

export interface LinearOptions {
  readonly from: number
  readonly to: number
  readonly begin?: Initializer
}

/** `[rows, from]` → `[rows, to]`; weights `[to, from]` as PyTorch has them. */
export function linear(
  { g, weight }: Writing,
  name: string,
  rows: ValueName,
  { from, to, begin = narrow }: LinearOptions,
): ValueName {
  const matrix = weight(`${name}.weight`, [to, from], { begin, role: 'weight' })
  const bias = weight(`${name}.bias`, [to], { begin: zeros, role: 'bias' })
  return g.op('Gemm', [rows, matrix, bias], { transB: 1 })
}

/** Over the last axis (Ba et al. 2016, arXiv:1607.06450). */
export function layerNorm(
  { g, weight }: Writing,
  name: string,
  value: ValueName,
  { width, epsilon }: { readonly width: number; readonly epsilon: number },
): ValueName {
  const scale = weight(`${name}.weight`, [width], { begin: ones, role: 'scale' })
  const shift = weight(`${name}.bias`, [width], { begin: zeros, role: 'bias' })
  return g.op('LayerNormalization', [value, scale, shift], { axis: -1, epsilon: { float: epsilon } })
}

/** Queries, keys and values `[batch · sequence, width]` of texts or pictures, and how they are shared out. */
export interface AttentionInputs {
  readonly query: ValueName
  readonly key: ValueName
  readonly value: ValueName
  readonly sequence: number | string
  readonly width: number
  readonly heads: number
  /** Added to the scores, `[batch, 1, 1, sequence]`. */
  readonly mask?: ValueName
}

/** softmax(Q Kᵀ / √d) V in each head (Vaswani et al. 2017, arXiv:1706.03762), `[batch · sequence, width]`. */
export function attention({ g, drop }: Writing, inputs: AttentionInputs): ValueName {
  const { query, key, value, sequence, width, heads, mask } = inputs
  const size = width / heads
  const apart = (rows: ValueName, perm: readonly number[]) =>
    g.op('Transpose', [g.reshape(rows, ['batch', sequence, heads, size])], { perm })
  const products = g.op('MatMul', [apart(query, [0, 2, 1, 3]), apart(key, [0, 2, 3, 1])])
  const scores = g.op('Mul', [products, g.scalar(1 / Math.sqrt(size))])
  const shares = g.op('Softmax', [mask === undefined ? scores : g.op('Add', [scores, mask])], { axis: -1 })
  const mixed = g.op('MatMul', [drop(shares), apart(value, [0, 2, 1, 3])])
  return g.reshape(g.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }), [productName(sequence), width])
}

function productName(sequence: number | string): string {
  return `batch*${sequence}`
}

/** What is added to the scores of a text's padding: e to its power is 0. */
const excluded = -1e9

/** `[batch, sequence]` of 1 and 0 → what attention adds to its scores. */
export function maskOf(g: GraphBuilder, present: ValueName): ValueName {
  const missing = g.op('Sub', [g.scalar(1), g.op('Cast', [present], { to: 1 })])
  return g.op('Unsqueeze', [g.op('Mul', [missing, g.scalar(excluded)]), g.ints([1, 2])])
}

/** 0, 1, … up to the length of an axis. */
export function places(g: GraphBuilder, value: ValueName, axis: number): ValueName {
  const whole = (name: string, number: number) =>
    g.tensorOf(name) ? name : g.initializer(name, int64Tensor([number], []))
  const length = g.op('Squeeze', [g.op('Shape', [value], { start: axis, end: axis + 1 })])
  return g.op('Range', [whole('zero', 0), length, whole('one', 1)])
}
