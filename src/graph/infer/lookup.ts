import { intOf } from '../attributes.ts'
import { axisOf, ceilQuotientOf, differenceOf, productOf } from '../dims.ts'
import { dtypeOf } from '../dtype-codes.ts'
import { numbersOf } from '../tensor.ts'
import { numbers } from './reduction.ts'
import type { Infer } from './row.ts'

export const gather: Infer = (context) => {
  const dims = context.dims(0)
  const axis = axisOf(intOf(context.node, 'axis', 0), dims.length)
  const picked = [...dims.slice(0, axis), ...context.dims(1), ...dims.slice(axis + 1)]
  const [all, indices] = [context.ints(0), numbers(context.ints(1))]
  const ints = dims.length === 1 ? indices?.flatMap((index) => all?.at(index) ?? []) : undefined
  return [{ dtype: context.dtype(0), dims: picked, ints: ints?.length === indices?.length ? ints : undefined }]
}

/** One element an index. */
export const gatherElements: Infer = (context) => [{ dtype: context.dtype(0), dims: context.dims(1) }]

export const gatherND: Infer = (context) => {
  const [dims, indices] = [context.dims(0), context.dims(1)]
  const depth = indices.at(-1)
  if (typeof depth !== 'number') return []
  const batch = intOf(context.node, 'batch_dims', 0)
  return [{ dtype: context.dtype(0), dims: [...indices.slice(0, -1), ...dims.slice(batch + depth)] }]
}

export const oneHot: Infer = (context) => {
  const dims = [...context.dims(0)]
  const axis = axisOf(intOf(context.node, 'axis', -1), dims.length + 1)
  return [{ dtype: context.dtype(2), dims: [...dims.slice(0, axis), context.ints(1)?.[0], ...dims.slice(axis)] }]
}

/** The dims of a value, as numbers it holds. */
export const shape: Infer = (context) => {
  const { node } = context
  const ints = context.dims(0).slice(intOf(node, 'start', 0), intOf(node, 'end', context.dims(0).length))
  return [{ dtype: 'int64', dims: [ints.length], ints }]
}

export const size: Infer = (context) => [{ dtype: 'int64', dims: [], ints: [productOf(context.dims(0))] }]

export const constant: Infer = ({ node: { attributes } }) => {
  const [attribute] = Object.values(attributes)
  switch (attribute?.kind) {
    case 'tensor': {
      const { dtype, dims } = attribute.value
      const isShape = dtype === 'int64' && dims.length < 2
      return [{ dtype, dims, ints: isShape ? numbersOf(attribute.value) : undefined }]
    }
    case 'int':
      return [{ dtype: 'int64', dims: [], ints: [Number(attribute.value)] }]
    case 'ints':
      return [{ dtype: 'int64', dims: [attribute.value.length], ints: attribute.value.map(Number) }]
    case 'float':
      return [{ dtype: 'float32', dims: [] }]
    case 'floats':
      return [{ dtype: 'float32', dims: [attribute.value.length] }]
    default:
      return []
  }
}

export const constantOfShape: Infer = (context) => {
  const value = context.node.attributes['value']
  const dtype = value?.kind === 'tensor' ? value.value.dtype : 'float32'
  const [rank] = context.dims(0)
  const unknown = typeof rank === 'number' ? Array.from({ length: rank }, () => undefined) : undefined
  return [{ dtype, dims: context.ints(0) ?? unknown }]
}

export const range: Infer = (context) => {
  const [start, limit, step] = [0, 1, 2].map((index) => context.ints(index)?.[0])
  const isKnown = start !== undefined && limit !== undefined && typeof step === 'number' && step > 0
  const count = isKnown ? ceilQuotientOf(differenceOf(limit, start), step) : undefined
  return [{ dtype: context.dtype(0), dims: [typeof count === 'number' ? Math.max(0, count) : count] }]
}

export const eyeLike: Infer = (context) => {
  const code = intOf(context.node, 'dtype', 0)
  return [{ dtype: code === 0 ? context.dtype(0) : dtypeOf(code), dims: context.dims(0) }]
}
