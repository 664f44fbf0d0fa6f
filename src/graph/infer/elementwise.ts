import { intOf } from '../attributes.ts'
import { differenceOf, exactQuotientOf, productOf, sameDims, sumOf } from '../dims.ts'
import { dtypeOf } from '../dtype-codes.ts'
import type { Dim, Dims } from '../types.ts'
import { broadcast } from './broadcast.ts'
import type { Infer, InferContext } from './row.ts'

const allDims = (context: InferContext): Dims[] =>
  context.node.inputs.flatMap((_, index) => (context.has(index) ? [context.dims(index)] : []))

/** As the first input. */
export const same: Infer = (context) => [{ dtype: context.dtype(0), dims: context.dims(0) }]

/** As the first input, its whole numbers too. */
export const carried: Infer = (context) => [{ dtype: context.dtype(0), dims: context.dims(0), ints: context.ints(0) }]

export const broadcasting: Infer = (context) => [
  { dtype: context.dtype(0), dims: broadcast(context, allDims(context)) },
]

/** Arithmetic that whole numbers are followed through. */
function arithmetic(compute: (a: Dim, b: Dim) => Dim | undefined): Infer {
  return (context) => {
    const dims = broadcast(context, allDims(context))
    const [a, b] = [context.ints(0), context.ints(1)]
    if (!a || !b || dims.length > 1) return [{ dtype: context.dtype(0), dims }]
    const at = (ints: Dims, i: number) => (ints.length === 1 ? ints[0] : ints[i]) ?? 0
    const ints = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => compute(at(a, i), at(b, i)))
    return [{ dtype: context.dtype(0), dims, ints: whole(ints) }]
  }
}

function whole(ints: readonly (Dim | undefined)[]): Dims | undefined {
  return ints.every((one) => one !== undefined) ? ints : undefined
}

export const add = arithmetic((a, b) => sumOf([a, b]))
export const sub = arithmetic(differenceOf)
export const mul = arithmetic((a, b) => productOf([a, b]))
/** Of whole numbers, towards 0; followed where nothing is left over. */
export const div = arithmetic(exactQuotientOf)

/** The slopes are stretched to the values, never the other way. */
export const slopes: Infer = (context) => {
  const dims = broadcast(context, allDims(context))
  if (!sameDims(dims, context.dims(0))) context.fail('there are more slopes than values')
  return same(context)
}

export const where: Infer = (context) => [{ dtype: context.dtype(1), dims: broadcast(context, allDims(context)) }]

export const comparison: Infer = (context) => [{ dtype: 'bool', dims: broadcast(context, allDims(context)) }]

export const test: Infer = (context) => [{ dtype: 'bool', dims: context.dims(0) }]

export const cast: Infer = (context) => {
  const dtype = dtypeOf(intOf(context.node, 'to', 1))
  const staysWhole = dtype === 'int64' || dtype === 'int32'
  return [{ dtype, dims: context.dims(0), ints: staysWhole ? context.ints(0) : undefined }]
}

export const castLike: Infer = (context) => [{ dtype: context.dtype(1), dims: context.dims(0) }]

/** The mask as the second output. */
export const dropout: Infer = (context) => [...same(context), { dtype: 'bool', dims: context.dims(0) }]
