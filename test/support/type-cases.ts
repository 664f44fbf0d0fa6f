import type { GraphBuilder, OpName, ValueName } from '../../src/graph/index.ts'
import type { OpCase } from './op-cases.ts'

type Write = (g: GraphBuilder, x: readonly ValueName[]) => ValueName[]

const square = (op: OpName, more: Partial<OpCase> = {}): OpCase => ({ op, inputs: [[2, 4]], output: [], ...more })
const as =
  (to: number): Write =>
  (g, x) =>
    x.map((value) => g.op('Cast', [value], { to }))
const bool = as(9)
const then =
  (...more: ((g: GraphBuilder) => ValueName)[]): Write =>
  (g, x) => [...x, ...more.map((make) => make(g))]
const ints =
  (...values: number[]) =>
  (g: GraphBuilder) =>
    g.ints(values)
const image = (op: OpName, attributes: OpCase['attributes'] = {}, more: Partial<OpCase> = {}): OpCase => ({
  op,
  inputs: [[2, 3, 9, 8]],
  output: [],
  attributes,
  ...more,
})

/** Ways to use operators that have no gradient: their types are inferred all the same. */
export const typeCases: readonly OpCase[] = [
  ...(['Sign', 'Floor', 'Ceil', 'Round', 'LeakyRelu', 'Elu', 'HardSigmoid', 'IsNaN', 'IsInf', 'Trilu'] as const).map(
    (op) => square(op),
  ),
  ...(['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'CastLike'] as const).map((op) =>
    square(op, {
      inputs: [[2, 4], [4]].slice(0, op === 'CastLike' ? 1 : 2),
      ...(op === 'CastLike' ? { given: then((g) => g.ints([1])) } : {}),
    }),
  ),
  ...(['And', 'Or', 'Xor'] as const).map((op) =>
    square(op, {
      inputs: [
        [2, 4],
        [2, 1],
      ],
      given: bool,
    }),
  ),
  square('Not', { given: bool }),
  square('Mod', { inputs: [[2, 4], [4]], attributes: { fmod: 1 } }),
  square('Dropout', { outputs: 2 }),
  square('ReduceProd', { given: then(ints(1)) }),
  square('ReduceSum', { given: then(ints()), attributes: { noop_with_empty_axes: 1 } }),
  ...(['ArgMax', 'ArgMin'] as const).flatMap((op) => [
    square(op, { attributes: { axis: 1 } }),
    square(op, { attributes: { axis: -2, keepdims: 0 } }),
  ]),
  square('CumSum', { given: then((g) => g.op('Reshape', [g.ints([1]), g.ints([])])) }),
  square('TopK', { given: then(ints(2)), outputs: 2 }),
  square('Einsum', {
    inputs: [
      [2, 4],
      [4, 3],
    ],
    attributes: { equation: 'ij,jk->ik' },
  }),
  square('Einsum', {
    inputs: [
      [2, 4],
      [4, 3],
    ],
    attributes: { equation: 'ij, jk' },
  }),
  square('Einsum', { attributes: { equation: 'ij->' } }),
  square('BatchNormalization', { inputs: [[2, 3, 4], [3], [3], [3], [3]] }),
  square('BatchNormalization', {
    inputs: [[2, 3, 4], [3], [3], [3], [3]],
    attributes: { training_mode: 1 },
    outputs: 3,
  }),
  square('InstanceNormalization', { inputs: [[2, 3, 4], [3], [3]] }),
  square('LayerNormalization', {
    inputs: [
      [2, 3, 4],
      [3, 4],
    ],
    attributes: { axis: 1 },
    outputs: 3,
  }),
  square('Shape'),
  square('Shape', { attributes: { start: -1 } }),
  square('Shape', { inputs: [[2, 3, 4]], attributes: { start: 1, end: 9 } }),
  square('Size'),
  square('Pad', { given: then(ints(0, 1, 2, 3)) }),
  square('Pad', { given: then(ints(-1, 1), (g) => g.scalar(0), ints(-1)) }),
  square('GatherND', {
    inputs: [[2, 3, 4]],
    given: then((g) => g.op('Reshape', [g.ints([0, 1, 1, 0]), g.ints([2, 2])])),
  }),
  square('GatherND', {
    inputs: [[2, 3, 4]],
    attributes: { batch_dims: 1 },
    given: then((g) => g.op('Reshape', [g.ints([0, 1]), g.ints([2, 1])])),
  }),
  square('ScatterElements', {
    given: (g, [x = '']) => [x, g.op('Reshape', [g.ints([0, 1]), g.ints([1, 2])]), g.floats([1, 2], [1, 2])],
  }),
  square('ScatterND', {
    given: (g, [x = '']) => [x, g.op('Reshape', [g.ints([0, 1]), g.ints([1, 2])]), g.floats([1])],
  }),
  square('OneHot', { given: (g, x) => [...as(7)(g, x), g.ints([5]), g.floats([0, 1])] }),
  square('OneHot', { given: (g, x) => [...as(7)(g, x), g.ints([5]), g.floats([0, 1])], attributes: { axis: 0 } }),
  square('Constant', { given: () => [], attributes: { value_ints: [1, 2, 3] } }),
  square('Constant', { given: () => [], attributes: { value_float: 0.5 } }),
  square('ConstantOfShape', { given: (g, x) => [g.op('Shape', [...x])] }),
  square('Range', {
    given: (g, x) =>
      [0, ...x, 2].map((end) =>
        g.op('Reshape', [typeof end === 'number' ? g.ints([end]) : g.op('Shape', [end], { end: 1 }), g.ints([])]),
      ),
  }),
  square('EyeLike', { attributes: { dtype: 7 } }),
  square('Flatten', { inputs: [[2, 3, 4]], attributes: { axis: -1 } }),
  square('Flatten', { inputs: [[2, 3, 4]], attributes: { axis: 0 } }),
  square('Squeeze', { inputs: [[1, 2, 1]] }),
  square('Unsqueeze', { given: then(ints(-1, 0)) }),
  square('Reshape', { inputs: [[2, 3, 4]], given: then(ints(0, -1)) }),
  square('Reshape', {
    inputs: [[2, 3, 4]],
    given: (g, [x = '']) => [
      x,
      g.op(
        'Concat',
        [g.op('Shape', [x], { end: 1 }), g.op('Mul', [g.op('Shape', [x], { start: 1, end: 2 }), g.ints([4])])],
        { axis: 0 },
      ),
    ],
  }),
  square('Expand', {
    inputs: [
      [1, 4],
      [3, 1],
    ],
    given: (g, [x = '', y = '']) => [x, g.op('Shape', [y])],
  }),
  square('Split', { inputs: [[2, 7]], attributes: { axis: 1, num_outputs: 3 }, outputs: 3 }),
  square('Split', { inputs: [[2, 7]], attributes: { axis: 1 }, given: then(ints(3, 4)), outputs: 2 }),
  ...[
    [0, 1],
    [-1, 9],
    [1, 2 ** 31],
    [0, -1],
  ].map(([start = 0, end = 0]) => square('Slice', { given: then(ints(start), ints(end), ints(1)) })),
  square('DynamicQuantizeLinear', { outputs: 3 }),
  square('DequantizeLinear', { given: (g, [x = '']) => [g.op('QuantizeLinear', [x, g.scalar(0.1)]), g.scalar(0.1)] }),
  square('MatMulInteger', {
    inputs: [
      [2, 4],
      [4, 3],
    ],
    given: as(2),
  }),
  square('ConvInteger', {
    inputs: [
      [1, 2, 5, 5],
      [3, 2, 2, 2],
    ],
    given: as(2),
  }),
  square('HardSwish'),
  square('GroupNormalization', { inputs: [[2, 6, 4], [3], [3]], attributes: { num_groups: 3 } }),
  square('qontrast.StopGradient'),
  square('com.microsoft.FusedMatMul', {
    inputs: [
      [2, 4],
      [3, 4],
    ],
    attributes: { transB: 1 },
  }),
  ...(['com.microsoft.Gelu', 'com.microsoft.FastGelu', 'com.microsoft.QuickGelu'] as const).map((op) => square(op)),
  square('com.microsoft.BiasGelu', { inputs: [[2, 4], [4]] }),
  square('com.microsoft.SkipLayerNormalization', { inputs: [[2, 3, 4], [2, 3, 4], [4]] }),
  square('SimplifiedLayerNormalization', { inputs: [[2, 3, 4], [4]] }),
  image(
    'Conv',
    { strides: [2, 1], pads: [1, 0, 2, 1] },
    {
      inputs: [
        [2, 3, 9, 8],
        [4, 3, 3, 2],
      ],
    },
  ),
  image('Conv', { group: 3, dilations: [2, 2], auto_pad: 'VALID' }, { inputs: [[2, 3, 9, 8], [6, 1, 3, 2], [6]] }),
  image(
    'Conv',
    { auto_pad: 'SAME_UPPER', strides: [2, 3] },
    {
      inputs: [
        [2, 3, 9, 8],
        [4, 3, 3, 2],
      ],
    },
  ),
  image(
    'ConvTranspose',
    { strides: [2, 1], pads: [1, 0, 0, 1], output_padding: [1, 0] },
    {
      inputs: [
        [2, 3, 9, 8],
        [3, 4, 3, 2],
      ],
    },
  ),
  image('MaxPool', { kernel_shape: [3, 2], strides: [2, 2] }, { outputs: 2 }),
  image('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }),
  image('AveragePool', { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
  image('AveragePool', { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER', strides: [2, 2] }),
  image('Resize', { mode: 'nearest' }, { given: (g, [x = '']) => [x, '', g.floats([1, 1, 2, 0.5])] }),
  image('Resize', { mode: 'nearest' }, { given: (g, [x = '']) => [x, '', '', g.ints([2, 3, 5, 6])] }),
  image('GlobalMaxPool'),
  image('GlobalAveragePool'),
]
