import type { Activation, PaddedLayout, PoolingMode, TokenBatch, TransformerFiles } from '../../embed/index.ts'
import { float32Tensor, type GraphBuilder, type TensorValue, type ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'

/** What pooling needs of a batch: weights of every token for each weighted mode, and which tokens count for `max`. */
export const poolingInputs: Record<PoolingMode, ValueName> = {
  mean: 'pool_mean',
  cls: 'pool_cls',
  lasttoken: 'pool_lasttoken',
  weightedmean: 'pool_weightedmean',
  mean_sqrt_len_tokens: 'pool_mean_sqrt_len',
  max: 'pool_max',
}

/** Weight of the token at a position within its text (from 0, padding left out), of the tokens `from` to `to` that are pooled. */
const weights: Record<PoolingMode, (position: number, pooled: { from: number; to: number }) => number> = {
  mean: (_, { from, to }) => 1 / (to - from),
  cls: (position, { from }) => (position === from ? 1 : 0),
  lasttoken: (position, { to }) => (position === to - 1 ? 1 : 0),
  weightedmean: (position, { from, to }) => (position + 1) / ((to * (to + 1) - from * (from + 1)) / 2),
  mean_sqrt_len_tokens: (_, { from, to }) => 1 / Math.sqrt(to - from),
  max: () => 0,
}
const excluded: Record<PoolingMode, number> = {
  mean: 0,
  cls: 0,
  lasttoken: 0,
  weightedmean: 0,
  mean_sqrt_len_tokens: 0,
  max: -1e9,
}

/** Values of a pooling input, `[texts, sequence]`. */
export function poolingValues(
  mode: PoolingMode,
  { skips, lengths }: TokenBatch,
  { offsets, sequence }: PaddedLayout,
): Float32Array {
  const values = new Float32Array(lengths.length * sequence).fill(excluded[mode])
  for (const [text, to] of lengths.entries()) {
    const from = skips[text] ?? 0
    const base = text * sequence + (offsets[text] ?? 0)
    for (let position = from; position < to; position++) values[base + position] = weights[mode](position, { from, to })
  }
  return values
}

interface PoolingOptions {
  readonly files: TransformerFiles
  /** Takes the weights of Dense layers. */
  addParameter(name: ValueName, tensor: TensorValue): void
}

/** Appends pooling and Dense layers to token vectors `[batch, sequence, hidden]`; a model that gives one vector a text is left as it is. */
export function appendPooling(g: GraphBuilder, tokens: ValueName, { files, addParameter }: PoolingOptions): ValueName {
  const dims = g.dimsOf(tokens)
  if (dims.length === 2) return tokens
  const hidden = dims[2] ?? 0
  const pooled = files.settings.pooling.map((mode) => {
    if (mode === 'max') {
      const mask = g.input(poolingInputs.max, { dtype: 'float32', dims: ['batch', 'sequence', 1] })
      const type = { type: { dtype: 'float32', dims } } as const
      return g.op('ReduceMax', [g.op('Add', [tokens, mask], {}, type), g.ints([1])], { keepdims: 0 }, matrix(hidden))
    }
    const weight = g.input(poolingInputs[mode], { dtype: 'float32', dims: ['batch', 1, 'sequence'] })
    const mean = g.op('MatMul', [weight, tokens], {}, { type: { dtype: 'float32', dims: ['batch', 1, hidden] } })
    return g.reshape(mean, ['batch', hidden])
  })
  const [first = ''] = pooled
  const width = typeof hidden === 'number' ? hidden * pooled.length : 0
  const joined = pooled.length === 1 ? first : g.op('Concat', pooled, { axis: 1 }, matrix(width))
  return files.dense.reduce((input, { path, layer: { weight, bias, activation } }) => {
    const inputs = g.dimsOf(input)[1]
    if (typeof inputs !== 'number') throw new QontrastError('internal', 'a Dense layer on vectors of no fixed size')
    const outputs = weight.length / inputs
    const parameter = (name: string, values: Float32Array, of: readonly number[]) => {
      addParameter(`${path}/${name}`, float32Tensor(values, of))
      return g.input(`${path}/${name}`, { dtype: 'float32', dims: of })
    }
    const terms = [input, parameter('linear.weight', weight, [outputs, inputs])]
    if (bias) terms.push(parameter('linear.bias', bias, [outputs]))
    const product = g.op('Gemm', terms, { transB: 1 }, matrix(outputs))
    return activate(g, product, activation)
  }, joined)
}

const activationOps = { tanh: 'Tanh', relu: 'Relu', gelu: 'Gelu', sigmoid: 'Sigmoid' } as const

function activate(g: GraphBuilder, value: ValueName, activation: Activation): ValueName {
  if (activation === 'identity') return value
  return g.op(activationOps[activation], [value], {}, { type: { dtype: 'float32', dims: g.dimsOf(value) } })
}

function matrix(columns: number | string) {
  return { type: { dtype: 'float32', dims: ['batch', columns] } } as const
}
