export { type AttributeInput, floatOf, intOf, intsOf, stringOf, toAttribute } from './attributes.ts'
export { createBuilder, type GraphBuilder } from './builder.ts'
export {
  axisOf,
  ceilQuotientOf,
  differenceOf,
  exactQuotientOf,
  floorQuotientOf,
  productOf,
  sameDims,
  sizeAt,
  substitute,
  sumOf,
  symbolsOf,
} from './dims.ts'
export { inferTypes, typeText } from './infer/infer.ts'
export type { Infer, InferContext, Inferred } from './infer/row.ts'
export { appendInstance, type Instance } from './instance.ts'
export { type Evaluate, learnTypes, type Run, type Sizes } from './learn-types.ts'
export { isKnownOp, type OpName, type OpSpec, ops, specOf } from './ops.ts'
export { parseModel, type ReadExternal } from './parse.ts'
export { printGraph } from './print.ts'
export { renameReads } from './reads.ts'
export { replaceWeights } from './replace-weights.ts'
export { absorbIntoGemm } from './rewrites/absorb.ts'
export { inlineConstants } from './rewrites/constants.ts'
export { declareDropout, dropoutInputs, insertDropout } from './rewrites/dropout.ts'
export { fuse, type TypedGraph } from './rewrites/fuse.ts'
export { normalizeOpset } from './rewrites/opset.ts'
export { prune } from './rewrites/prune.ts'
export { exposeStatistics } from './rewrites/statistics.ts'
export { type ExternalPart, type SerializeOptions, serializeModel, serializeWithData } from './serialize.ts'
export {
  type DType,
  elementBytes,
  float32Of,
  float32Tensor,
  int64Tensor,
  numbersOf,
  sizeOf,
  type TensorValue,
} from './tensor.ts'
export type { Attribute, Dim, Dims, Graph, GraphNode, GraphValue, Model, ValueName, ValueType } from './types.ts'
export { verifyGraph } from './verify.ts'
export { type Sliding, spanOf, transposedWindowsOf, type Window, windowsOf } from './windows.ts'
