import { intOf } from '../attributes.ts'
import { dtypeOf } from '../dtype-codes.ts'
import type { Infer } from './row.ts'

/** For operators that come from files only, where types are learned. */
export const unknown: Infer = () => []

export const quantize: Infer = (context) => {
  const code = intOf(context.node, 'output_dtype', 0)
  const dtype = context.has(2) ? context.dtype(2) : code === 0 ? 'uint8' : dtypeOf(code)
  return [{ dtype, dims: context.dims(0) }]
}

export const dequantize: Infer = (context) => [{ dtype: context.dtype(1), dims: context.dims(0) }]

/** The values with their scale and their zero. */
export const dynamicQuantize: Infer = (context) => [
  { dtype: 'uint8', dims: context.dims(0) },
  { dtype: 'float32', dims: [] },
  { dtype: 'uint8', dims: [] },
]

/** Tokens' vectors: ids `[batch, sequence]` with a table of words `[words, hidden]`. */
export const embedLayerNormalization: Infer = (context) => [
  { dtype: context.dtype(2), dims: [...context.dims(0), context.dims(2)[1]] },
  { dtype: 'int32', dims: context.dims(0).slice(0, 1) },
]
