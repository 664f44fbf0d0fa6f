import type { Refusal } from '../rule.ts'

/** Their output changes in jumps or not at all. */
export const zeroOps = {
  Sign: 'zero',
  Floor: 'zero',
  Ceil: 'zero',
  Round: 'zero',
  Equal: 'zero',
  Greater: 'zero',
  GreaterOrEqual: 'zero',
  Less: 'zero',
  LessOrEqual: 'zero',
  Not: 'zero',
  And: 'zero',
  Or: 'zero',
  Xor: 'zero',
  IsNaN: 'zero',
  IsInf: 'zero',
  ArgMax: 'zero',
  ArgMin: 'zero',
  Shape: 'zero',
  Size: 'zero',
  Constant: 'zero',
  ConstantOfShape: 'zero',
  Range: 'zero',
  EyeLike: 'zero',
  OneHot: 'zero',
  'qontrast.StopGradient': 'zero',
} as const

const quantized: Refusal = {
  refuse:
    'it is quantized, and rounding has no gradient. Train the fp32 weights (onnx/model.onnx) and quantize the result',
}
const fusedByRuntime: Refusal = {
  refuse: 'the model was optimized for inference. Export it without optimization, and train that',
}
const noRule: Refusal = {
  refuse: 'its gradient is not written yet; docs/ops.md lists the operators that can be trained',
}
const recurrent: Refusal = {
  refuse:
    'a recurrent layer is one operator that keeps what its gradient needs to itself. Train a convolution or a transformer instead, or export the model with its steps written out',
}
const controlFlow: Refusal = { refuse: 'control flow has no gradient here. Export the model without it' }

/** Their gradient is not here; what to do is in the reason. */
export const refusedOps = {
  Mod: noRule,
  CastLike: noRule,
  Dropout: { refuse: 'the model was exported in training mode. Export it after model.eval()' },
  Einsum: { refuse: 'Einsum has no gradient here. Write it as MatMul and Transpose when exporting' },
  ReduceProd: noRule,
  CumSum: noRule,
  TopK: noRule,
  RMSNormalization: noRule,
  SimplifiedLayerNormalization: noRule,
  Trilu: noRule,
  GatherND: noRule,
  ScatterElements: noRule,
  ScatterND: noRule,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  If: controlFlow,
  Loop: controlFlow,
  Attention: {
    refuse:
      'attention as one operator (opset 23) has no gradient here. Export with attn_implementation="eager" and opset 20',
  },
  RotaryEmbedding: {
    refuse:
      'rotary positions as one operator (opset 23) have no gradient here. Export with opset 20, which writes them out',
  },
  QuantizeLinear: quantized,
  DequantizeLinear: quantized,
  DynamicQuantizeLinear: quantized,
  MatMulInteger: quantized,
  ConvInteger: quantized,
  'com.microsoft.MatMulNBits': quantized,
  'com.microsoft.DynamicQuantizeMatMul': quantized,
  'com.microsoft.QAttention': quantized,
  'com.microsoft.Gelu': fusedByRuntime,
  'com.microsoft.FastGelu': fusedByRuntime,
  'com.microsoft.BiasGelu': fusedByRuntime,
  'com.microsoft.QuickGelu': fusedByRuntime,
  'com.microsoft.FusedMatMul': fusedByRuntime,
  'com.microsoft.SkipLayerNormalization': fusedByRuntime,
  'com.microsoft.EmbedLayerNormalization': fusedByRuntime,
  'com.microsoft.Attention': fusedByRuntime,
  'com.microsoft.MultiHeadAttention': fusedByRuntime,
  'com.microsoft.RotaryEmbedding': fusedByRuntime,
} as const satisfies Record<string, Refusal>
