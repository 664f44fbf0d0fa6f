import type { AttributeInput, GraphBuilder, OpName, ValueName } from '../../src/graph/index.ts'
import type { OpCase } from './op-cases.ts'

type Attributes = Readonly<Record<string, AttributeInput>>

/** A way to use an operator whose kernels are of float32 alone. */
function single(op: OpName, inputs: string, attributes: Attributes = {}, more: Partial<OpCase> = {}): OpCase {
  return { op, inputs: dimsOf(inputs), attributes, float32: true, ...more }
}

/** `2,3,5,5 4,3,1,1` → `[[2, 3, 5, 5], [4, 3, 1, 1]]` */
function dimsOf(text: string): number[][] {
  return text.split(' ').map((dims) => (dims === '' ? [] : dims.split(',').map(Number)))
}

const [stride2, pads1] = [
  [2, 2],
  [1, 1, 1, 1],
] as const

/** Images are `[batch, channels, …]`: odd sizes, windows that leave a rest, uneven pads, groups; each form of the weights' gradient. */
const convolutions: OpCase[] = [
  single('Conv', '2,9,5,7 4,9,3,3 4', { pads: pads1 }),
  single('Conv', '2,9,5,7 4,9,3,3 4', { pads: pads1, strides: stride2 }),
  single('Conv', '1,3,6,7 4,3,2,3', { pads: [0, 2, 1, 1], strides: [2, 1] }),
  single('Conv', '2,3,6,6 4,3,3,3', { pads: [2, 2, 2, 2], dilations: [2, 2] }),
  single('Conv', '2,3,6,6 4,3,3,3', { pads: [4, 4, 4, 4] }),
  single('Conv', '2,9,9,7 2,9,2,1', { strides: [4, 3] }),
  single('Conv', '2,4,5,5 4,1,3,3 4', { pads: pads1, group: 4 }),
  single('Conv', '2,2,5,5 6,1,3,3', { pads: pads1, group: 2, strides: stride2 }),
  single('Conv', '1,18,5,5 4,9,3,3', { pads: pads1, group: 2 }),
  single('Conv', '2,2,9,9 3,2,6,6', { pads: [2, 3, 2, 3], strides: stride2 }),
  single('Conv', '2,4,8,8 6,2,6,6', { pads: [3, 3, 3, 3], group: 2, strides: [3, 3] }),
  single('Conv', '2,2,15,13 2,2,6,6', { dilations: stride2 }),
  single('Conv', '2,9,1,1 3,9,3,3', { pads: pads1 }),
  single('Conv', '2,9,4,4 3,9,1,1'),
  single('Conv', '2,3,7 4,3,3 4', { pads: [2, 0], strides: [2] }),
  single('Conv', '2,3,6,5 4,3,3,2', { auto_pad: 'SAME_UPPER', strides: stride2 }),
  single('Conv', '2,3,6,5 4,3,4,2', { auto_pad: 'SAME_LOWER' }),
  single('Conv', '2,3,6,5 4,3,3,2', { auto_pad: 'VALID' }),
  single('Conv', '1,2,3,4,3 2,2,2,2,2', { pads: [0, 1, 0, 1, 0, 1] }),
  single('ConvTranspose', '2,3,4,3 3,9,3,3 9', {
    strides: stride2,
    pads: pads1,
    output_padding: [1, 1],
  }),
  single('ConvTranspose', '1,3,3,4 3,2,3,2', { strides: [2, 1], pads: [0, 1, 1, 0], dilations: [1, 2] }),
  single('ConvTranspose', '2,4,3,3 4,1,3,3 4', { group: 4, strides: [3, 3] }),
  single('ConvTranspose', '2,4,3,3 4,3,2,2', { group: 2 }),
  single('ConvTranspose', '2,3,4 3,2,3', { strides: [3] }),
  single('ConvTranspose', '2,3,3,3 3,2,3,3', { strides: stride2, output_shape: [6, 8] }),
  single('ConvTranspose', '2,3,3,3 3,2,3,3', { strides: stride2, auto_pad: 'SAME_UPPER' }),
]

/** Corners: one place, windows that step over places or are wider than what lies between them, one example. */
const corners: OpCase[] = [
  single('Conv', '1,3,1,1 2,3,1,1', { strides: [3, 3] }),
  single('Conv', '1,3,8,8 2,3,7,7', { strides: [9, 9] }),
  single('Conv', '2,10,5,5 2,10,3,3', { strides: [5, 4], pads: [0, 2, 0, 1] }),
  single('Conv', '2,3,20,8 2,3,7,7', { strides: [9, 1], dilations: [2, 1], pads: [1, 0, 4, 2] }),
  single('Conv', '2,4,40 4,2,35', { strides: [2], pads: [5, 2], group: 2 }),
  single('ConvTranspose', '1,3,4,4 3,2,7,7', { strides: [3, 2], pads: [2, 3, 1, 0], output_padding: [2, 1] }),
  single('ConvTranspose', '2,4,4,4 4,2,6,6', { strides: [7, 7], group: 2, output_padding: [6, 3] }),
  single('AveragePool', '1,2,1,1', { kernel_shape: [3, 3], pads: pads1 }),
  { op: 'MaxPool', inputs: dimsOf('1,2,5,5'), attributes: { kernel_shape: [2, 2], strides: [4, 4], ceil_mode: 1 } },
]

/** Batch statistics as they stand before the batch: mean and variance, of `channels`. */
const running = (channels: number) => (g: GraphBuilder, x: readonly ValueName[]) => [
  ...x,
  g.floats(Array.from({ length: channels }, () => 0)),
  g.floats(Array.from({ length: channels }, () => 1)),
]
const norms: OpCase[] = [
  {
    op: 'BatchNormalization',
    inputs: dimsOf('3,2,3,2 2 2'),
    attributes: { training_mode: 1 },
    given: running(2),
    outputs: 3,
  },
  {
    op: 'BatchNormalization',
    inputs: dimsOf('3,2,3 2 2'),
    attributes: { training_mode: 1, momentum: { float: 0 }, epsilon: 1e-3 },
    given: running(2),
    outputs: 3,
  },
  {
    op: 'BatchNormalization',
    inputs: dimsOf('5,2 2 2'),
    attributes: { training_mode: 1 },
    given: running(2),
    outputs: 3,
  },
  { op: 'BatchNormalization', inputs: dimsOf('2,3,2,2 3 3 3 3'), domain: [0.5, 2] },
  { op: 'BatchNormalization', inputs: dimsOf('4,3 3 3 3 3'), attributes: { epsilon: 0.01 }, domain: [0.5, 2] },
  single('GroupNormalization', '2,6,3,2 6 6', { num_groups: 3 }, { opset: 21 }),
  { op: 'GroupNormalization', inputs: dimsOf('2,6,4 2 2'), attributes: { num_groups: 2, epsilon: 0.01 } },
  { op: 'GroupNormalization', inputs: dimsOf('2,3,4 3 3'), attributes: { num_groups: 3 } },
  single('InstanceNormalization', '2,3,3,2 3 3'),
  single('InstanceNormalization', '1,2,5 2 2', { epsilon: 0.01 }),
]

const window = { kernel_shape: [3, 2], strides: stride2, pads: [1, 0, 1, 1] }
const pools: OpCase[] = [
  { op: 'MaxPool', inputs: dimsOf('2,3,7,6'), attributes: window },
  { op: 'MaxPool', inputs: dimsOf('2,3,6,6'), attributes: { ...window, ceil_mode: 1 }, outputs: 2 },
  {
    op: 'MaxPool',
    inputs: dimsOf('2,3,6,6'),
    attributes: { kernel_shape: [2, 3], dilations: [2, 1], auto_pad: 'VALID' },
  },
  { op: 'MaxPool', inputs: dimsOf('1,2,7'), attributes: { kernel_shape: [2], strides: [3] } },
  single('AveragePool', '2,3,7,6', window),
  single('AveragePool', '2,3,7,6', { ...window, count_include_pad: 1 }),
  single('AveragePool', '1,3,6,8', { ...window, ceil_mode: 1, count_include_pad: 1 }),
  single('AveragePool', '1,3,5,7', { kernel_shape: [3, 3], strides: stride2, auto_pad: 'SAME_LOWER' }),
  single('AveragePool', '2,2,7', { kernel_shape: [2], dilations: [3], pads: [1, 0] }),
  single('GlobalAveragePool', '2,3,3,5'),
  single('GlobalMaxPool', '2,3,3,5'),
  single('GlobalMaxPool', '2,3,4'),
]

const around =
  (...pads: number[]) =>
  (g: GraphBuilder, [x = '', value = '']: readonly ValueName[]) => [x, g.ints(pads), ...(value === '' ? [] : [value])]
const borders: OpCase[] = [
  { op: 'Pad', inputs: dimsOf('2,3,4'), given: around(0, 1, 2, 1, 0, 0) },
  { op: 'Pad', inputs: dimsOf('2,3,4 '), given: around(0, 1, 2, 0, 0, 1) },
  { op: 'Pad', inputs: dimsOf('2,3,4'), given: around(0, -1, 2, 0, 1, -2) },
  { op: 'Pad', inputs: dimsOf('2,3,4'), given: (g, [x = '']) => [x, g.ints([1, 2]), '', g.ints([-1])] },
  ...['reflect', 'edge', 'wrap'].map(
    (mode): OpCase => ({
      op: 'Pad',
      inputs: dimsOf('2,2,4,5'),
      attributes: { mode },
      given: around(0, 0, 2, 1, 0, 0, 3, 4),
    }),
  ),
  {
    op: 'Pad',
    inputs: dimsOf('3,4,2'),
    attributes: { mode: 'edge' },
    given: (g, [x = '']) => [x, g.ints([1, 2]), '', g.ints([-2])],
  },
]

const toSize =
  (...image: number[]) =>
  (g: GraphBuilder, [x = '']: readonly ValueName[]) => {
    const lead = g.op('Shape', [x], { end: g.dimsOf(x).length - image.length })
    return [x, '', '', g.op('Concat', [lead, g.ints(image)], { axis: 0 })]
  }
const byScale =
  (...scales: number[]) =>
  (g: GraphBuilder, [x = '']: readonly ValueName[]) => [x, '', g.floats(scales)]
const resizes: OpCase[] = [
  ...['nearest', 'linear', 'cubic'].flatMap((mode) =>
    ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].map((coordinate_transformation_mode) =>
      single('Resize', '2,2,4,5', { mode, coordinate_transformation_mode }, { given: toSize(6, 3) }),
    ),
  ),
  ...['linear', 'cubic'].map((mode) => single('Resize', '1,2,7,6', { mode, antialias: 1 }, { given: toSize(3, 4) })),
  single('Resize', '1,2,3,5', { mode: 'linear' }, { given: byScale(1, 1, 2.5, 0.7) }),
  single('Resize', '1,2,3,5', { mode: 'nearest', nearest_mode: 'ceil' }, { given: byScale(1, 1, 2, 2) }),
  single(
    'Resize',
    '2,3,4,5',
    { mode: 'linear', axes: [2, 3] },
    { given: (g, [x = '']) => [x, '', '', g.ints([8, 2])] },
  ),
  single('Resize', '4,5', { mode: 'linear' }, { given: toSize(8) }),
  single('Resize', '1,1,1,1', { mode: 'linear' }, { given: toSize(3, 2) }),
]

const activations: OpCase[] = [
  single('LeakyRelu', '2,3', { alpha: 0.2 }),
  single('PRelu', '2,3,4 3,1'),
  single('Elu', '2,3', { alpha: 0.7 }),
  single('HardSigmoid', '3,5', { alpha: 0.4 }, { domain: [-3, 3] }),
  single('HardSwish', '3,5', {}, { domain: [-5, 5] }),
  { op: 'Swish', inputs: dimsOf('2,3'), opset: 24 },
  { op: 'Swish', inputs: dimsOf('2,3'), attributes: { alpha: 1.7 }, opset: 24 },
]

export const imageOpCases: readonly OpCase[] = [
  ...[...convolutions, ...corners, ...norms, ...pools, ...borders, ...resizes].map((one) => ({
    ...one,
    isImage: true as const,
  })),
  ...activations,
]
