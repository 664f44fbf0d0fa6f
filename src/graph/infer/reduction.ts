import { intOf, intsOf } from '../attributes.ts'
import { axisOf } from '../dims.ts'
import type { Dims } from '../types.ts'
import { same } from './elementwise.ts'
import type { Infer, InferContext } from './row.ts'

/** Axes as the second input or, before opset 18, as an attribute. Undefined where they are known only when the graph runs. */
function axesOf(context: InferContext): number[] | undefined {
  const rank = context.dims(0).length
  const given = context.has(1) ? numbers(context.ints(1)) : (intsOf(context.node, 'axes') ?? [])
  if (given?.length === 0 && intOf(context.node, 'noop_with_empty_axes', 0) === 0)
    return Array.from({ length: rank }, (_, axis) => axis)
  return given?.map((axis) => axisOf(axis, rank))
}

export function numbers(ints: Dims | undefined): number[] | undefined {
  return ints?.every((one) => typeof one === 'number') ? [...ints] : undefined
}

function reduced(context: InferContext, axes: readonly number[]): Dims {
  const keeps = intOf(context.node, 'keepdims', 1) === 1
  return context.dims(0).flatMap((dim, axis) => (axes.includes(axis) ? (keeps ? [1] : []) : [dim]))
}

export const reduction: Infer = (context) => {
  const axes = axesOf(context)
  return axes ? [{ dtype: context.dtype(0), dims: reduced(context, axes) }] : []
}

/** The place of an extreme. */
export const place: Infer = (context) => {
  const axis = axisOf(intOf(context.node, 'axis', 0), context.dims(0).length)
  return [{ dtype: 'int64', dims: reduced(context, [axis]) }]
}

export const topK: Infer = (context) => {
  const axis = axisOf(intOf(context.node, 'axis', -1), context.dims(0).length)
  const dims = context.dims(0).map((dim, i) => (i === axis ? context.ints(1)?.[0] : dim))
  return [
    { dtype: context.dtype(0), dims },
    { dtype: 'int64', dims },
  ]
}

/** Beside the values, statistics with the normalised axes kept as 1. */
export const layerNormalization: Infer = (context) => {
  const dims = context.dims(0)
  const first = axisOf(intOf(context.node, 'axis', -1), dims.length)
  const statistics = { dtype: 'float32', dims: dims.map((dim, axis) => (axis < first ? dim : 1)) } as const
  return [...same(context), statistics, statistics]
}
