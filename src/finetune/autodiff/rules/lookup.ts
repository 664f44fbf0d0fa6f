import { axisOf, intOf, productOf, type ValueName } from '../../../graph/index.ts'
import type { Rule, RuleContext } from '../rule.ts'

/**
 * Rows taken from a table: each gets the sum of the gradients of its copies. `ScatterElements` and not `ScatterND`, whose sum over repeated
 * indices is wrong on two threads (docs/decisions/training.md).
 */
const gather: Rule = (context, upstream) => {
  const { g, node, input, output, dims, wanted } = context
  const [table, indices] = [input(0), input(1)]
  const all = dims(table)
  if (!wanted[0]) return [null, null]
  const axis = axisOf(intOf(node, 'axis', 0), all.length)
  if (axis !== 0) return [gatherAlong(context, upstream, axis), null]
  const rest = all.slice(1)
  const width = productOf(rest)
  const count = productOf(dims(output()).slice(0, dims(output()).length - rest.length))
  const rows = g.reshape(upstream, [count, width])
  const places = g.op('Reshape', [indices, g.ints([-1, 1])])
  const repeated = g.op('Expand', [places, g.op('Shape', [rows])])
  const isStatic = typeof all[0] === 'number' && typeof width === 'number'
  const size = isStatic ? g.shape([all[0] ?? 0, width]) : g.op('Shape', [g.op('Flatten', [table], { axis: 1 })])
  const zeros = g.op('Expand', [g.scalar(0), size])
  const sums = g.op('ScatterElements', [zeros, repeated, rows], { axis: 0, reduction: 'add' })
  return [rest.length === 1 ? sums : g.reshape(sums, all), null]
}

/** Along an axis that is not the first: the indices as one axis, and each of its places back where it came from. */
function gatherAlong({ g, input, dims }: RuleContext, upstream: ValueName, axis: number): ValueName {
  const [table, indices] = [input(0), input(1)]
  const all = dims(table)
  const sizes = all.map((_, i) => (i === axis ? g.ints([-1]) : g.op('Shape', [table], { start: i, end: i + 1 })))
  const parts = g.op('Reshape', [upstream, g.op('Concat', sizes, { axis: 0 })])
  const places = g.op('Reshape', [indices, g.ints(all.map((_, i) => (i === axis ? -1 : 1)))])
  const repeated = g.op('Expand', [places, g.op('Shape', [parts])])
  const zeros = g.op('Expand', [g.scalar(0), g.op('Shape', [table])])
  return g.op('ScatterElements', [zeros, repeated, parts], { axis, reduction: 'add' })
}

/** One element an index, along an axis. */
const gatherElements: Rule = ({ g, node, input, wanted }, upstream) => {
  if (!wanted[0]) return [null, null]
  const zeros = g.op('Mul', [input(0), g.scalar(0)])
  const axis = intOf(node, 'axis', 0)
  return [g.op('ScatterElements', [zeros, input(1), upstream], { axis, reduction: 'add' }), null]
}

export const lookupRules = {
  Gather: { rule: gather },
  GatherElements: { rule: gatherElements },
} as const satisfies Record<string, { readonly rule: Rule }>
