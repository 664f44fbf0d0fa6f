import {
  type Activation,
  checkWidth,
  type DenseLayer,
  type Layer,
  type LayerNormLayer,
  layerNormEpsilon,
  type PaddedLayout,
  type PoolingMode,
  type TokenBatch,
  type TransformerFiles,
} from '../../embed/index.ts'
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
  /** Takes the weights of the modules after pooling. */
  addParameter(name: ValueName, tensor: TensorValue): void
}

/** Appends pooling to token vectors `[batch, sequence, hidden]`, and the modules after it in their order; a model that gives one vector a text is left as it is. */
export function appendPooling(g: GraphBuilder, tokens: ValueName, { files, addParameter }: PoolingOptions): ValueName {
  const dims = g.dimsOf(tokens)
  const { pooling } = files.plan
  if (!pooling || dims.length === 2) return tokens
  const hidden = dims[2] ?? 0
  const pooled = pooling.map((mode) => {
    if (mode === 'max') {
      const mask = g.input(poolingInputs.max, { dtype: 'float32', dims: ['batch', 'sequence', 1] })
      return g.op('ReduceMax', [g.op('Add', [tokens, mask]), g.ints([1])], { keepdims: 0 })
    }
    const weight = g.input(poolingInputs[mode], { dtype: 'float32', dims: ['batch', 1, 'sequence'] })
    const mean = g.op('MatMul', [weight, tokens])
    return g.reshape(mean, ['batch', hidden])
  })
  const [first = ''] = pooled
  const joined = pooled.length === 1 ? first : g.op('Concat', pooled, { axis: 1 })
  const last = files.layers.findLastIndex(({ kind }) => kind !== 'normalize') // losses compare directions: unit length at the end is theirs
  return files.layers
    .slice(0, last + 1)
    .reduce((input, layer) => appendLayer({ g, addParameter }, layer, input), joined)
}

interface Place extends Pick<PoolingOptions, 'addParameter'> {
  readonly g: GraphBuilder
}

function appendLayer(place: Place, layer: Layer, input: ValueName): ValueName {
  const columns = place.g.dimsOf(input)[1]
  if (typeof columns !== 'number')
    throw new QontrastError('internal', `a ${layer.kind} layer on vectors of no fixed size`)
  checkWidth(layer, columns)
  switch (layer.kind) {
    case 'normalize':
      return appendNormalize(place.g, input)
    case 'layer-norm':
      return appendLayerNorm(place, layer, { input, columns })
    case 'dense':
      return appendDense(place, layer, { input, columns })
  }
}

interface Rows {
  readonly input: ValueName
  readonly columns: number
}

/** PyTorch divides by this at least. */
const smallestNorm = 1e-12

function appendNormalize(g: GraphBuilder, input: ValueName): ValueName {
  const norms = g.op('ReduceL2', [input, g.ints([1])], { keepdims: 1 })
  return g.op('Div', [input, g.op('Max', [norms, g.scalar(smallestNorm)])])
}

function appendLayerNorm(place: Place, { path, weight, bias }: LayerNormLayer, { input, columns }: Rows): ValueName {
  const scale = parameterOf(place, `${path}/norm.weight`, { values: weight, dims: [columns] })
  const shift = parameterOf(place, `${path}/norm.bias`, { values: bias, dims: [columns] })
  return place.g.op('LayerNormalization', [input, scale, shift], { axis: -1, epsilon: { float: layerNormEpsilon } })
}

function appendDense(place: Place, layer: DenseLayer, { input, columns }: Rows): ValueName {
  const { path, weight, bias, activation, residual, residualWeight } = layer
  const outputs = weight.length / columns
  const linear = (name: string, values: Float32Array, shift?: Float32Array) => {
    const terms = [input, parameterOf(place, `${path}/${name}.weight`, { values, dims: [outputs, columns] })]
    if (shift) terms.push(parameterOf(place, `${path}/${name}.bias`, { values: shift, dims: [outputs] }))
    return place.g.op('Gemm', terms, { transB: 1 })
  }
  const activated = activate(place.g, linear('linear', weight, bias), activation)
  if (!residual) return activated
  return place.g.op('Add', [activated, residualWeight ? linear('residual', residualWeight) : input])
}

function parameterOf(
  { g, addParameter }: Place,
  name: string,
  { values, dims }: { values: Float32Array; dims: readonly number[] },
): ValueName {
  addParameter(name, float32Tensor(values, dims))
  return g.input(name, { dtype: 'float32', dims })
}

const activationOps = { tanh: 'Tanh', relu: 'Relu', gelu: 'Gelu', sigmoid: 'Sigmoid' } as const

function activate(g: GraphBuilder, value: ValueName, activation: Activation): ValueName {
  if (activation === 'identity') return value
  return g.op(activationOps[activation], [value])
}
