/**
 * Every operator this package knows: how many inputs and outputs it takes (required, allowed) and its attributes' names. The only place where
 * operators are listed; `finetune/autodiff` says for each how its gradient is had. Arity: https://onnx.ai/onnx/operators (opset 13 to 23) and
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
export interface OpSpec {
  readonly inputs: readonly [least: number, most: number]
  readonly outputs: readonly [least: number, most: number]
  readonly attributes: readonly string[]
}

const many = Number.POSITIVE_INFINITY

function op(inputs: number | OpSpec['inputs'], attributes = '', outputs: number | OpSpec['outputs'] = 1): OpSpec {
  return {
    inputs: typeof inputs === 'number' ? [inputs, inputs] : inputs,
    outputs: typeof outputs === 'number' ? [outputs, outputs] : outputs,
    attributes: attributes === '' ? [] : attributes.split(' '),
  }
}

export const ops = {
  // element by element, with broadcasting
  Add: op(2),
  Sub: op(2),
  Mul: op(2),
  Div: op(2),
  Pow: op(2),
  Max: op([1, many]),
  Min: op([1, many]),
  Where: op(3),
  Mod: op(2, 'fmod'),
  // element by element
  Abs: op(1),
  Neg: op(1),
  Sign: op(1),
  Floor: op(1),
  Ceil: op(1),
  Round: op(1),
  Sqrt: op(1),
  Reciprocal: op(1),
  Exp: op(1),
  Log: op(1),
  Sin: op(1),
  Cos: op(1),
  Erf: op(1),
  Tanh: op(1),
  Sigmoid: op(1),
  Relu: op(1),
  LeakyRelu: op(1, 'alpha'),
  Elu: op(1, 'alpha'),
  Softplus: op(1),
  HardSigmoid: op(1, 'alpha beta'),
  HardSwish: op(1),
  Gelu: op(1, 'approximate'),
  Clip: op([1, 3]),
  Identity: op(1),
  Cast: op(1, 'to saturate'),
  CastLike: op(2, 'saturate'),
  Dropout: op([1, 3], 'seed', [1, 2]),
  // comparisons and logic
  Equal: op(2),
  Greater: op(2),
  GreaterOrEqual: op(2),
  Less: op(2),
  LessOrEqual: op(2),
  Not: op(1),
  And: op(2),
  Or: op(2),
  Xor: op(2),
  IsNaN: op(1),
  IsInf: op(1, 'detect_negative detect_positive'),
  // matrices
  MatMul: op(2),
  Gemm: op([2, 3], 'alpha beta transA transB'),
  Einsum: op([1, many], 'equation'),
  // reductions and normalisation
  ReduceSum: op([1, 2], 'keepdims noop_with_empty_axes'),
  ReduceMean: op([1, 2], 'keepdims noop_with_empty_axes axes'),
  ReduceMax: op([1, 2], 'keepdims noop_with_empty_axes axes'),
  ReduceMin: op([1, 2], 'keepdims noop_with_empty_axes axes'),
  ReduceProd: op([1, 2], 'keepdims noop_with_empty_axes axes'),
  ReduceL2: op([1, 2], 'keepdims noop_with_empty_axes axes'),
  ReduceSumSquare: op([1, 2], 'keepdims noop_with_empty_axes axes'),
  ReduceLogSumExp: op([1, 2], 'keepdims noop_with_empty_axes axes'),
  ArgMax: op(1, 'axis keepdims select_last_index'),
  ArgMin: op(1, 'axis keepdims select_last_index'),
  CumSum: op(2, 'exclusive reverse'),
  TopK: op(2, 'axis largest sorted', 2),
  Softmax: op(1, 'axis'),
  LogSoftmax: op(1, 'axis'),
  LayerNormalization: op([2, 3], 'axis epsilon stash_type', [1, 3]),
  RMSNormalization: op(2, 'axis epsilon stash_type'),
  BatchNormalization: op(5, 'epsilon momentum training_mode spatial', [1, 5]),
  InstanceNormalization: op(3, 'epsilon'),
  GroupNormalization: op(3, 'epsilon num_groups stash_type'),
  // shapes
  Shape: op(1, 'start end'),
  Size: op(1),
  Reshape: op(2, 'allowzero'),
  Flatten: op(1, 'axis'),
  Transpose: op(1, 'perm'),
  Squeeze: op([1, 2], 'axes'),
  Unsqueeze: op([1, 2], 'axes'),
  Expand: op(2),
  Tile: op(2),
  Concat: op([1, many], 'axis'),
  Split: op([1, 2], 'axis num_outputs split', [1, many]),
  Slice: op([1, 5], 'axes ends starts'),
  Pad: op([1, 4], 'mode pads value'),
  Trilu: op([1, 2], 'upper'),
  // look-up
  Gather: op(2, 'axis'),
  GatherElements: op(2, 'axis'),
  GatherND: op(2, 'batch_dims'),
  ScatterElements: op(3, 'axis reduction'),
  ScatterND: op(3, 'reduction'),
  OneHot: op(3, 'axis'),
  // made from nothing
  Constant: op(0, 'value value_int value_float value_ints value_floats value_string value_strings sparse_value'),
  ConstantOfShape: op(1, 'value'),
  Range: op(3),
  EyeLike: op(1, 'dtype k'),
  // images
  Conv: op([2, 3], 'auto_pad dilations group kernel_shape pads strides'),
  ConvTranspose: op([2, 3], 'auto_pad dilations group kernel_shape output_padding output_shape pads strides'),
  MaxPool: op(1, 'auto_pad ceil_mode dilations kernel_shape pads storage_order strides', [1, 2]),
  AveragePool: op(1, 'auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides'),
  GlobalAveragePool: op(1),
  GlobalMaxPool: op(1),
  Resize: op(
    [1, 4],
    'antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode',
  ),
  // control flow
  If: op(1, 'then_branch else_branch', [1, many]),
  Loop: op([2, many], 'body', [1, many]),
  // newer attention
  Attention: op(
    [3, 7],
    'is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision',
    [1, 4],
  ),
  RotaryEmbedding: op([3, 4], 'interleaved num_heads rotary_embedding_dim'),
  // quantized
  QuantizeLinear: op([2, 3], 'axis block_size output_dtype precision saturate'),
  DequantizeLinear: op([2, 3], 'axis block_size output_dtype'),
  DynamicQuantizeLinear: op(1, '', 3),
  MatMulInteger: op([2, 4]),
  ConvInteger: op([2, 4], 'auto_pad dilations group kernel_shape pads strides'),
  'com.microsoft.MatMulNBits': op([3, 6], 'K N accuracy_level bits block_size'),
  'com.microsoft.DynamicQuantizeMatMul': op([3, 5]),
  'com.microsoft.QAttention': op(
    [5, 9],
    'do_rotary mask_filter_value num_heads past_present_share_buffer scale unidirectional',
    [1, 2],
  ),
  // fused by ONNX Runtime
  'com.microsoft.Gelu': op(1),
  'com.microsoft.FastGelu': op([1, 2]),
  'com.microsoft.BiasGelu': op(2),
  'com.microsoft.QuickGelu': op(1, 'alpha'),
  'com.microsoft.FusedMatMul': op(2, 'alpha transA transB transBatchA transBatchB'),
  'com.microsoft.SkipLayerNormalization': op([3, 5], 'epsilon', [1, 4]),
  'com.microsoft.EmbedLayerNormalization': op([7, 9], 'epsilon mask_index_type', [2, 3]),
  'com.microsoft.Attention': op(
    [3, 7],
    'do_rotary mask_filter_value num_heads past_present_share_buffer qkv_hidden_sizes rotary_embedding_dim scale unidirectional',
    [1, 2],
  ),
  'com.microsoft.MultiHeadAttention': op([1, 10], 'mask_filter_value num_heads scale unidirectional', [1, 4]),
  'com.microsoft.RotaryEmbedding': op(4, 'interleaved is_packed_batching num_heads rotary_embedding_dim scale'),
  SimplifiedLayerNormalization: op(2, 'axis epsilon stash_type', [1, 2]),
} as const satisfies Record<string, OpSpec>

export type OpName = keyof typeof ops

export function isKnownOp(name: string): name is OpName {
  return Object.hasOwn(ops, name)
}

/** The specification of an operator, or undefined for one that is not known. */
export function specOf(name: string): OpSpec | undefined {
  return isKnownOp(name) ? ops[name] : undefined
}
