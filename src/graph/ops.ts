import {
  concat,
  expand,
  flatten,
  pad,
  reshape,
  slice,
  split,
  squeeze,
  tile,
  transpose,
  unsqueeze,
} from './infer/arrange.ts'
import {
  add,
  broadcasting,
  carried,
  cast,
  castLike,
  comparison,
  div,
  dropout,
  mul,
  same,
  slopes,
  sub,
  test,
  where,
} from './infer/elementwise.ts'
import {
  batchNormalization,
  convTo,
  convTranspose,
  globalPool,
  groupNormalization,
  instanceNormalization,
  pool,
  resize,
} from './infer/image.ts'
import {
  constant,
  constantOfShape,
  eyeLike,
  gather,
  gatherElements,
  gatherND,
  oneHot,
  range,
  shape,
  size,
} from './infer/lookup.ts'
import { einsum, fusedMatMul, gemm, matMul, matMulNBits, matMulTo } from './infer/matrix.ts'
import { dequantize, dynamicQuantize, embedLayerNormalization, quantize, unknown } from './infer/other.ts'
import { layerNormalization, place, reduction, topK } from './infer/reduction.ts'
import type { Infer } from './infer/row.ts'

/**
 * Every operator this package knows: how many inputs and outputs it takes (required, allowed), how the types of its outputs follow from its inputs, and its
 * attributes' names. The only place where operators are listed; `finetune/autodiff` says for each how its gradient is had.
 * Arity: https://onnx.ai/onnx/operators (opset 13 to 24) and https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
export interface OpSpec {
  readonly inputs: readonly [least: number, most: number]
  readonly outputs: readonly [least: number, most: number]
  readonly infer: Infer
  readonly attributes: readonly string[]
}

const many = Number.POSITIVE_INFINITY

function op(
  inputs: number | OpSpec['inputs'],
  infer: Infer,
  attributes = '',
  outputs: number | OpSpec['outputs'] = 1,
): OpSpec {
  return {
    inputs: typeof inputs === 'number' ? [inputs, inputs] : inputs,
    outputs: typeof outputs === 'number' ? [outputs, outputs] : outputs,
    infer,
    attributes: attributes === '' ? [] : attributes.split(' '),
  }
}

export const ops = {
  // element by element, with broadcasting
  Add: op(2, add),
  Sub: op(2, sub),
  Mul: op(2, mul),
  Div: op(2, div),
  Pow: op(2, broadcasting),
  Max: op([1, many], broadcasting),
  Min: op([1, many], broadcasting),
  Where: op(3, where),
  Mod: op(2, broadcasting, 'fmod'),
  // element by element
  Abs: op(1, same),
  Neg: op(1, same),
  Sign: op(1, same),
  Floor: op(1, same),
  Ceil: op(1, same),
  Round: op(1, same),
  Sqrt: op(1, same),
  Reciprocal: op(1, same),
  Exp: op(1, same),
  Log: op(1, same),
  Sin: op(1, same),
  Cos: op(1, same),
  Erf: op(1, same),
  Tanh: op(1, same),
  Sigmoid: op(1, same),
  Relu: op(1, same),
  LeakyRelu: op(1, same, 'alpha'),
  PRelu: op(2, slopes),
  Elu: op(1, same, 'alpha'),
  Softplus: op(1, same),
  HardSigmoid: op(1, same, 'alpha beta'),
  HardSwish: op(1, same),
  Swish: op(1, same, 'alpha'),
  Gelu: op(1, same, 'approximate'),
  Clip: op([1, 3], same),
  Identity: op(1, carried),
  Cast: op(1, cast, 'to saturate'),
  CastLike: op(2, castLike, 'saturate'),
  Dropout: op([1, 3], dropout, 'seed', [1, 2]),
  // comparisons and logic
  Equal: op(2, comparison),
  Greater: op(2, comparison),
  GreaterOrEqual: op(2, comparison),
  Less: op(2, comparison),
  LessOrEqual: op(2, comparison),
  Not: op(1, test),
  And: op(2, comparison),
  Or: op(2, comparison),
  Xor: op(2, comparison),
  IsNaN: op(1, test),
  IsInf: op(1, test, 'detect_negative detect_positive'),
  // matrices
  MatMul: op(2, matMul),
  Gemm: op([2, 3], gemm, 'alpha beta transA transB'),
  Einsum: op([1, many], einsum, 'equation'),
  // reductions and normalisation
  ReduceSum: op([1, 2], reduction, 'keepdims noop_with_empty_axes'),
  ReduceMean: op([1, 2], reduction, 'keepdims noop_with_empty_axes axes'),
  ReduceMax: op([1, 2], reduction, 'keepdims noop_with_empty_axes axes'),
  ReduceMin: op([1, 2], reduction, 'keepdims noop_with_empty_axes axes'),
  ReduceProd: op([1, 2], reduction, 'keepdims noop_with_empty_axes axes'),
  ReduceL2: op([1, 2], reduction, 'keepdims noop_with_empty_axes axes'),
  ReduceSumSquare: op([1, 2], reduction, 'keepdims noop_with_empty_axes axes'),
  ReduceLogSumExp: op([1, 2], reduction, 'keepdims noop_with_empty_axes axes'),
  ArgMax: op(1, place, 'axis keepdims select_last_index'),
  ArgMin: op(1, place, 'axis keepdims select_last_index'),
  CumSum: op(2, same, 'exclusive reverse'),
  TopK: op(2, topK, 'axis largest sorted', 2),
  Softmax: op(1, same, 'axis'),
  LogSoftmax: op(1, same, 'axis'),
  LayerNormalization: op([2, 3], layerNormalization, 'axis epsilon stash_type', [1, 3]),
  RMSNormalization: op(2, same, 'axis epsilon stash_type'),
  BatchNormalization: op(5, batchNormalization, 'epsilon momentum training_mode spatial', [1, 5]),
  InstanceNormalization: op(3, instanceNormalization, 'epsilon'),
  GroupNormalization: op(3, groupNormalization, 'epsilon num_groups stash_type'),
  // shapes
  Shape: op(1, shape, 'start end'),
  Size: op(1, size),
  Reshape: op(2, reshape, 'allowzero'),
  Flatten: op(1, flatten, 'axis'),
  Transpose: op(1, transpose, 'perm'),
  Squeeze: op([1, 2], squeeze, 'axes'),
  Unsqueeze: op([1, 2], unsqueeze, 'axes'),
  Expand: op(2, expand),
  Tile: op(2, tile),
  Concat: op([1, many], concat, 'axis'),
  Split: op([1, 2], split, 'axis num_outputs split', [1, many]),
  Slice: op([1, 5], slice, 'axes ends starts'),
  Pad: op([1, 4], pad, 'mode pads value'),
  Trilu: op([1, 2], same, 'upper'),
  // look-up
  Gather: op(2, gather, 'axis'),
  GatherElements: op(2, gatherElements, 'axis'),
  GatherND: op(2, gatherND, 'batch_dims'),
  ScatterElements: op(3, same, 'axis reduction'),
  ScatterND: op(3, same, 'reduction'),
  OneHot: op(3, oneHot, 'axis'),
  // made from nothing
  Constant: op(
    0,
    constant,
    'value value_int value_float value_ints value_floats value_string value_strings sparse_value',
  ),
  ConstantOfShape: op(1, constantOfShape, 'value'),
  Range: op(3, range),
  EyeLike: op(1, eyeLike, 'dtype k'),
  // images
  Conv: op([2, 3], convTo(), 'auto_pad dilations group kernel_shape pads strides'),
  ConvTranspose: op(
    [2, 3],
    convTranspose,
    'auto_pad dilations group kernel_shape output_padding output_shape pads strides',
  ),
  MaxPool: op(1, pool, 'auto_pad ceil_mode dilations kernel_shape pads storage_order strides', [1, 2]),
  AveragePool: op(1, pool, 'auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides'),
  GlobalAveragePool: op(1, globalPool),
  GlobalMaxPool: op(1, globalPool),
  Resize: op(
    [1, 4],
    resize,
    'antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode',
  ),
  // recurrent
  LSTM: op(
    [3, 8],
    unknown,
    'activation_alpha activation_beta activations clip direction hidden_size input_forget layout',
    [0, 3],
  ),
  GRU: op(
    [3, 6],
    unknown,
    'activation_alpha activation_beta activations clip direction hidden_size layout linear_before_reset',
    [0, 2],
  ),
  RNN: op([3, 6], unknown, 'activation_alpha activation_beta activations clip direction hidden_size layout', [0, 2]),
  // control flow
  If: op(1, unknown, 'then_branch else_branch', [1, many]),
  Loop: op([2, many], unknown, 'body', [1, many]),
  // newer attention
  Attention: op(
    [3, 7],
    unknown,
    'is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision',
    [1, 4],
  ),
  RotaryEmbedding: op([3, 4], same, 'interleaved num_heads rotary_embedding_dim'),
  // quantized
  QuantizeLinear: op([2, 3], quantize, 'axis block_size output_dtype precision saturate'),
  DequantizeLinear: op([2, 3], dequantize, 'axis block_size output_dtype'),
  DynamicQuantizeLinear: op(1, dynamicQuantize, '', 3),
  MatMulInteger: op([2, 4], matMulTo('int32')),
  ConvInteger: op([2, 4], convTo('int32'), 'auto_pad dilations group kernel_shape pads strides'),
  'com.microsoft.MatMulNBits': op([3, 6], matMulNBits, 'K N accuracy_level bits block_size'),
  'com.microsoft.DynamicQuantizeMatMul': op([3, 5], matMul),
  'com.microsoft.QAttention': op(
    [5, 9],
    unknown,
    'do_rotary mask_filter_value num_heads past_present_share_buffer scale unidirectional',
    [1, 2],
  ),
  // fused by ONNX Runtime
  'com.microsoft.Gelu': op(1, same),
  'com.microsoft.FastGelu': op([1, 2], same),
  'com.microsoft.BiasGelu': op(2, same),
  'com.microsoft.QuickGelu': op(1, same, 'alpha'),
  'com.microsoft.FusedMatMul': op(2, fusedMatMul, 'alpha transA transB transBatchA transBatchB'),
  'com.microsoft.SkipLayerNormalization': op([3, 5], same, 'epsilon', [1, 4]),
  'com.microsoft.EmbedLayerNormalization': op([7, 9], embedLayerNormalization, 'epsilon mask_index_type', [2, 3]),
  'com.microsoft.Attention': op(
    [3, 7],
    unknown,
    'do_rotary mask_filter_value num_heads past_present_share_buffer qkv_hidden_sizes rotary_embedding_dim scale unidirectional',
    [1, 2],
  ),
  'com.microsoft.MultiHeadAttention': op([1, 10], unknown, 'mask_filter_value num_heads scale unidirectional', [1, 4]),
  'com.microsoft.RotaryEmbedding': op(4, same, 'interleaved is_packed_batching num_heads rotary_embedding_dim scale'),
  SimplifiedLayerNormalization: op(2, same, 'axis epsilon stash_type', [1, 2]),
  // of this package: Identity in the file, and for gradients the end
  'qontrast.StopGradient': op(1, carried),
} as const satisfies Record<string, OpSpec>

export type OpName = keyof typeof ops

export function isKnownOp(name: string): name is OpName {
  return Object.hasOwn(ops, name)
}

/** The specification of an operator, or undefined for one that is not known. */
export function specOf(name: string): OpSpec | undefined {
  return isKnownOp(name) ? ops[name] : undefined
}
