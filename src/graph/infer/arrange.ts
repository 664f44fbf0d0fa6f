import { intOf, intsOf, stringOf } from '../attributes.ts'
import { axisOf, ceilQuotientOf, differenceOf, floorQuotientOf, leastOf, productOf, sumOf } from '../dims.ts'
import type { Dim } from '../types.ts'
import { broadcast, checkEqual } from './broadcast.ts'
import { numbers } from './reduction.ts'
import type { Infer, InferContext } from './row.ts'

/** Dims that are known, or of a rank that is. */
function targetOf(context: InferContext, index: number): readonly (Dim | undefined)[] | undefined {
  const ints = context.ints(index)
  const [rank] = context.dims(index)
  return ints ?? (typeof rank === 'number' ? Array.from({ length: rank }, () => undefined) : undefined)
}

/** 0 takes an input's dim over, -1 what is left. */
export const reshape: Infer = (context) => {
  const given = context.dims(0)
  const copies = intOf(context.node, 'allowzero', 0) === 0
  const target = targetOf(context, 1)?.map((dim, axis) => (dim === 0 && copies ? given[axis] : dim))
  const known = target?.filter((dim) => dim !== undefined && dim !== -1) ?? []
  const all = productOf(given)
  const product = productOf(known.filter((dim) => dim !== undefined))
  const isWhole = target?.length === known.length
  if (isWhole) checkEqual(context, all, product, 'the numbers of elements differ')
  const isLeft = target?.length === known.length + 1 && product !== 0
  const dims = target?.map((dim) => (dim === -1 ? (isLeft ? floorQuotientOf(all, product) : undefined) : dim)) // leaves nothing over
  return [{ dtype: context.dtype(0), dims, ints: dims && dims.length < 2 ? context.ints(0) : undefined }]
}

export const flatten: Infer = (context) => {
  const dims = context.dims(0)
  const axis = intOf(context.node, 'axis', 1)
  const at = axis < 0 ? axis + dims.length : axis
  return [{ dtype: context.dtype(0), dims: [productOf(dims.slice(0, at)), productOf(dims.slice(at))] }]
}

export const transpose: Infer = (context) => {
  const dims = context.dims(0)
  const permutation = intsOf(context.node, 'perm') ?? dims.map((_, axis) => dims.length - 1 - axis)
  if (permutation.length !== dims.length) context.fail(`perm [${permutation.join(', ')}] has not all axes`)
  return [{ dtype: context.dtype(0), dims: permutation.map((axis) => dims[axisOf(axis, dims.length)]) }]
}

function axesOf(context: InferContext): number[] | undefined {
  return context.has(1) ? numbers(context.ints(1)) : intsOf(context.node, 'axes')
}

export const squeeze: Infer = (context) => {
  const dims = context.dims(0)
  const isAll = !context.has(1) && intsOf(context.node, 'axes') === undefined
  const axes = isAll
    ? dims.flatMap((dim, axis) => (dim === 1 ? [axis] : []))
    : axesOf(context)?.map((axis) => axisOf(axis, dims.length))
  if (!axes || (isAll && dims.some((dim) => typeof dim !== 'number'))) return []
  for (const axis of axes) checkEqual(context, dims[axis], 1, `axis ${axis} cannot be taken out`)
  return [{ dtype: context.dtype(0), dims: dims.filter((_, axis) => !axes.includes(axis)), ints: context.ints(0) }]
}

export const unsqueeze: Infer = (context) => {
  const dims = [...context.dims(0)]
  const axes = axesOf(context)
  if (!axes) return []
  const rank = dims.length + axes.length
  const places = new Set(axes.map((axis) => axisOf(axis, rank)))
  const all = Array.from({ length: rank }, (_, axis) => (places.has(axis) ? 1 : dims.shift()))
  return [{ dtype: context.dtype(0), dims: all, ints: rank === 1 ? context.ints(0) : undefined }]
}

export const expand: Infer = (context) => {
  const target = targetOf(context, 1)
  if (!target) return []
  const known = target.every((dim) => dim !== undefined)
  if (known) return [{ dtype: context.dtype(0), dims: broadcast(context, [context.dims(0), target]) }]
  const rank = Math.max(target.length, context.dims(0).length)
  return [{ dtype: context.dtype(0), dims: Array.from({ length: rank }, () => undefined) }]
}

export const tile: Infer = (context) => {
  const repeats = context.ints(1)
  const dims = context.dims(0).map((dim, axis) => (repeats ? productOf([dim, repeats[axis] ?? 1]) : undefined))
  return [{ dtype: context.dtype(0), dims }]
}

export const concat: Infer = (context) => {
  const all = context.node.inputs.map((_, index) => context.dims(index))
  const [first = []] = all
  if (all.some((one) => one.length !== first.length)) context.fail('they have different numbers of axes')
  const axis = axisOf(intOf(context.node, 'axis', 0), first.length)
  const dims = first.map((dim, i) => {
    const along = all.map((one) => one[i] ?? 0)
    if (i === axis) return sumOf(along)
    const number = along.find((one) => typeof one === 'number')
    for (const one of along) checkEqual(context, number, one, `axis ${i} is not the one they are put along`)
    return number ?? dim
  })
  const ints = context.node.inputs.map((_, index) => context.ints(index))
  const isKnown = dims.length === 1 && ints.every((one) => one !== undefined)
  return [{ dtype: context.dtype(0), dims, ints: isKnown ? ints.flat() : undefined }]
}

export const split: Infer = (context) => {
  const { node } = context
  const dims = context.dims(0)
  const axis = axisOf(intOf(node, 'axis', 0), dims.length)
  const all = dims[axis] ?? 1
  const count = node.outputs.length
  const given = context.has(1) ? context.ints(1) : intsOf(node, 'split')
  const isGiven = context.has(1) || given !== undefined
  const each = ceilQuotientOf(all, count) // the last part is smaller where they are not equal
  const sizes = Array.from({ length: count }, (_, i) => {
    if (isGiven) return given?.[i]
    return i < count - 1 ? each : differenceOf(all, productOf([each, count - 1]))
  })
  return sizes.map((size) => ({ dtype: context.dtype(0), dims: dims.map((dim, i) => (i === axis ? size : dim)) }))
}

/** Where a cut begins or ends, within an axis; undefined where it depends on sizes that are symbols. */
function placeIn(
  place: Dim,
  size: Dim,
  { least, most }: { readonly least: number; readonly most: Dim },
): Dim | undefined {
  if (typeof place === 'number' && typeof size === 'number' && typeof most === 'number')
    return Math.min(Math.max(place < 0 ? place + size : place, least), most)
  if (place === size) return most
  if (typeof place !== 'number') return undefined
  if (place >= farthest) return most
  if (place <= -farthest) return least
  if (most !== size || Math.abs(place) > leastOf(size)) return undefined
  return place < 0 ? sumOf([size, place]) : place
}
/** Farther than any axis is long: stands for its end. */
const farthest = 2 ** 31 - 1

export const slice: Infer = (context) => {
  const { node } = context
  const dims = context.dims(0)
  const [starts, ends] =
    node.inputs.length > 1 ? [context.ints(1), context.ints(2)] : [intsOf(node, 'starts'), intsOf(node, 'ends')]
  const axes = context.has(3) ? numbers(context.ints(3)) : (intsOf(node, 'axes') ?? dims.map((_, axis) => axis))
  const steps = context.has(4) ? numbers(context.ints(4)) : undefined
  if (!axes || (context.has(4) && !steps)) return [{ dtype: context.dtype(0), dims: dims.map(() => undefined) }]
  const count = starts?.length ?? (context.has(1) ? context.dims(1)[0] : undefined)
  const cutAxes = typeof count === 'number' ? axes.slice(0, count) : axes
  const places = new Map(cutAxes.map((axis, i) => [axisOf(axis, dims.length), i]))
  const cut = dims.map((size, axis) => {
    const i = places.get(axis)
    if (i === undefined) return size
    const [start, end, step] = [starts?.[i], ends?.[i], steps?.[i] ?? 1]
    return start === undefined || end === undefined ? undefined : cutOf(size, { start, end, step })
  })
  const [from, to] = [starts?.[0], ends?.[0]]
  const all = context.ints(0)
  const isPart =
    all && dims.length === 1 && typeof from === 'number' && typeof to === 'number' && (steps?.[0] ?? 1) === 1
  return [{ dtype: context.dtype(0), dims: cut, ints: isPart ? all.slice(from, to) : undefined }]
}

function cutOf(size: Dim, { start, end, step }: { readonly start: Dim; readonly end: Dim; readonly step: number }) {
  const isForward = step > 0
  const last = differenceOf(size, 1)
  const from = placeIn(start, size, { least: 0, most: isForward ? size : last })
  const to = placeIn(end, size, { least: isForward ? 0 : -1, most: isForward ? size : last })
  if (from === undefined || to === undefined) return undefined
  const length = isForward ? differenceOf(to, from) : differenceOf(from, to)
  const count = ceilQuotientOf(length, Math.abs(step))
  if (typeof count === 'number') return Math.max(0, count)
  return leastOf(length) < 0 ? undefined : count
}

export const pad: Infer = (context) => {
  const dims = context.dims(0)
  const pads = context.has(1) ? context.ints(1) : intsOf(context.node, 'pads')
  const axes = context.has(3) ? numbers(context.ints(3)) : dims.map((_, axis) => axis)
  if (!pads || !axes) return [{ dtype: context.dtype(0), dims: dims.map(() => undefined) }]
  const places = axes.map((axis) => axisOf(axis, dims.length))
  const padded = dims.map((dim, axis) => {
    const i = places.indexOf(axis)
    return i < 0 ? dim : sumOf([dim, pads[i] ?? 0, pads[i + places.length] ?? 0])
  })
  if (pads.length !== 2 * places.length)
    context.fail(`${pads.length} pads are not two for each of ${places.length} axes`)
  const mirrors = stringOf(context.node, 'mode', 'constant') === 'reflect'
  for (const [i, axis] of places.entries()) {
    const most = Math.max(Number(pads[i] ?? 0), Number(pads[i + places.length] ?? 0))
    const size = dims[axis]
    if (mirrors && typeof size === 'number' && most >= size)
      context.fail(`axis ${axis} of ${size} cannot be mirrored ${most} places far`)
  }
  const empty = padded.findIndex((dim, axis) => typeof dim === 'number' && dim < 1 && dims[axis] !== 0)
  if (empty >= 0) context.fail(`nothing is left along axis ${empty}`)
  return [{ dtype: context.dtype(0), dims: padded }]
}
