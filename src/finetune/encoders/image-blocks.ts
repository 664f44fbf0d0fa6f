import { type Dims, type GraphBuilder, productOf, type ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { Writing } from './definition.ts'
import { type Initializer, kaimingNormal, ones, zeros } from './initialize.ts'

export interface ConvolutionOptions {
  readonly from: number
  readonly to: number
  /** Height and width of the window. */
  readonly kernel: number
  readonly stride?: number
  /** Places put around the image at each side; without, so that a stride of 1 keeps its size. */
  readonly padding?: number
  readonly dilation?: number
  /** As many as channels: each channel by itself. */
  readonly groups?: number
  /** A norm that follows has one already. */
  readonly bias?: boolean
  readonly begin?: Initializer
}

/** `[batch, from, height, width]` → `[batch, to, …]`; weights `[to, from / groups, kernel, kernel]` as PyTorch has them. */
export function convolution(
  { g, weight }: Writing,
  name: string,
  image: ValueName,
  options: ConvolutionOptions,
): ValueName {
  const { from, to, kernel, stride = 1, dilation = 1, groups = 1, bias = false } = options
  const { padding = ((kernel - 1) * dilation) >> 1, begin = kaimingNormal({ mode: 'fanOut', nonlinearity: 'relu' }) } =
    options
  const weights = weight(`${name}.weight`, [to, from / groups, kernel, kernel], { begin, role: 'weight' })
  const shift = bias ? [weight(`${name}.bias`, [to], { begin: zeros, role: 'bias' })] : []
  return g.op('Conv', [image, weights, ...shift], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    dilations: [dilation, dilation],
    pads: [padding, padding, padding, padding],
    group: groups,
  })
}

export interface BatchNormOptions {
  readonly channels: number
  readonly epsilon?: number
  /** Share of a batch's statistics in the running ones: PyTorch's, which is 1 − ONNX's. */
  readonly momentum?: number
  readonly begin?: Initializer
}

/**
 * `[batch, channels, …]` by the statistics of the batch in training, and of all batches afterwards (Ioffe and Szegedy 2015, arXiv:1502.03167). The running
 * variance is that of a sample, n / (n − 1), as PyTorch has it; ONNX's own is not, so that the node gives the batch's (momentum 0) and the rest is written out.
 */
export function batchNorm(writing: Writing, name: string, value: ValueName, options: BatchNormOptions): ValueName {
  const { g, weight, buffer, training } = writing
  const { channels, epsilon = 1e-5, momentum = 0.1, begin = ones } = options
  const scale = weight(`${name}.weight`, [channels], { begin, role: 'scale' })
  const shift = weight(`${name}.bias`, [channels], { begin: zeros, role: 'bias' })
  const mean = buffer(`${name}.running_mean`, [channels], { begin: zeros })
  const variance = buffer(`${name}.running_var`, [channels], { begin: ones })
  const settings = { epsilon: { float: epsilon } }
  if (!training) return g.op('BatchNormalization', [value, scale, shift, mean, variance], settings)
  const inputs = [value, scale, shift, ...ownZeros(g, value, channels)]
  const attributes = { ...settings, training_mode: 1, momentum: { float: 0 } }
  const [result = '', ofBatch = '', spread = ''] = g.ops('BatchNormalization', inputs, 3, attributes)
  const follow = (running: ValueName, now: ValueName) =>
    g.op('Add', [g.op('Mul', [running, g.scalar(1 - momentum)]), g.op('Mul', [now, g.scalar(momentum)])])
  writing.renew(mean, follow(mean, ofBatch))
  writing.renew(variance, follow(variance, g.op('Mul', [spread, ofSample(g, value)])))
  return result
}

/**
 * Two vectors of zeros `[channels]` that nothing else reads: ONNX Runtime writes the statistics that a node gives over those that it was given
 * (kernel of BatchNormalization, Alias). Constants, or zeros made of other values, would be merged into one.
 */
function ownZeros(g: GraphBuilder, value: ValueName, channels: number): readonly ValueName[] {
  const rank = g.dimsOf(value).length
  const axes = g.ints(Array.from({ length: rank }, (_, axis) => axis))
  const ends = Array.from({ length: rank }, (_, axis) => (axis === 1 ? channels : 1))
  const first = g.op('Slice', [value, g.ints(ends.map(() => 0)), g.ints(ends), axes])
  const row = g.reshape(first, [channels])
  return [g.op('Sub', [row, row]), g.op('Mul', [row, g.scalar(0)])]
}

/** n / (n − 1), n the numbers of a channel; of a single number, 1. */
function ofSample(g: GraphBuilder, value: ValueName): ValueName {
  const [, channels] = g.dimsOf(value)
  const each = g.op('Div', [g.op('Size', [value]), g.shape([channels ?? 1])])
  const count = g.op('Cast', [each], { to: 1 })
  return g.op('Div', [count, g.op('Max', [g.op('Sub', [count, g.scalar(1)]), g.scalar(1)])])
}

export interface GroupNormOptions {
  readonly channels: number
  readonly groups: number
  readonly epsilon?: number
}

/** Groups of channels of each example by themselves (Wu and He 2018, arXiv:1803.08494). As exporters write it: before opset 21, ONNX's own scales groups. */
export function groupNorm(
  { g, weight }: Writing,
  name: string,
  value: ValueName,
  { channels, groups, epsilon = 1e-5 }: GroupNormOptions,
): ValueName {
  if (channels % groups !== 0)
    throw new QontrastError('invalid-option', `${name}: ${channels} channels cannot be dealt out to ${groups} groups.`)
  const dims = g.dimsOf(value)
  const [batch = 1, , ...image] = dims
  const parts = g.reshape(value, [batch, groups, productOf([channels / groups, ...image])])
  const fill = (number: number) => g.floats(Array.from({ length: groups }, () => number))
  const normalized = g.op('InstanceNormalization', [parts, fill(1), fill(0)], { epsilon: { float: epsilon } })
  const alike: Dims = [channels, ...image.map(() => 1)]
  const scale = g.reshape(weight(`${name}.weight`, [channels], { begin: ones, role: 'scale' }), alike)
  const shift = g.reshape(weight(`${name}.bias`, [channels], { begin: zeros, role: 'bias' }), alike)
  return g.op('Add', [g.op('Mul', [g.reshape(normalized, dims), scale]), shift])
}

/** x · σ(x) (Hendrycks and Gimpel 2016, arXiv:1606.08415), which opset 24 alone has as one operator. */
export function silu({ g }: Writing, value: ValueName): ValueName {
  return g.op('Mul', [value, g.op('Sigmoid', [value])])
}

/** `[batch, channels, …]` → `[batch, channels]`: the mean of an image's places. */
export function globalAverage({ g }: Writing, image: ValueName): ValueName {
  return g.op('Flatten', [g.op('GlobalAveragePool', [image])])
}
