import { type Dims, type GraphBuilder, productOf, sameDims, type ValueName } from '../../graph/index.ts'

/** Sums a value over the axes along which `to` was broadcast to `from`, so that it has the dims `to`. */
export function sumTo(g: GraphBuilder, value: ValueName, { from, to }: { from: Dims; to: Dims }): ValueName {
  if (sameDims(from, to)) return value
  const lead = from.length - to.length
  const axes = from.flatMap((dim, axis) => (axis < lead || (to[axis - lead] === 1 && dim !== 1) ? [axis] : []))
  const leadingOnly = axes.every((axis, i) => axis === i) && to.every((dim, i) => dim === from[lead + i])
  if (axes.length > 1 && leadingOnly) {
    // rows of one matrix are summed faster than several axes
    const flat = g.reshape(value, [productOf(from.slice(0, lead)), ...to])
    return g.op('ReduceSum', [flat, g.ints([0])], { keepdims: 0 })
  }
  const summed = axes.length > 0 ? g.op('ReduceSum', [value, g.ints(axes)], { keepdims: 1 }) : value
  return lead > 0 ? g.reshape(summed, to) : summed
}
