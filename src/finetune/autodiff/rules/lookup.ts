import { axisOf, intOf, productOf } from '../../../graph/index.ts'
import { QontrastError } from '../../../shared/index.ts'
import type { Rule } from '../rule.ts'

/**
 * Rows taken from a table: each gets the sum of the gradients of its copies. `ScatterElements` and not `ScatterND`, whose sum over repeated
 * indices is wrong on two threads (docs/decisions/training.md).
 */
const gather: Rule = ({ g, node, input, output, dims, wanted }, upstream) => {
  const [table, indices] = [input(0), input(1)]
  const all = dims(table)
  if (axisOf(intOf(node, 'axis', 0), all.length) !== 0)
    throw new QontrastError(
      'model-invalid',
      `Gather '${node.name}' along another axis than the first cannot be trained.`,
    )
  if (!wanted[0]) return [null, null]
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

/** One element an index, along an axis. */
const gatherElements: Rule = ({ g, node, input, dims, wanted }, upstream) => {
  if (!wanted[0]) return [null, null]
  const zeros = g.op('Mul', [input(0), g.scalar(0)], {}, { type: { dtype: 'float32', dims: dims(input(0)) } })
  const axis = intOf(node, 'axis', 0)
  return [g.op('ScatterElements', [zeros, input(1), upstream], { axis, reduction: 'add' }), null]
}

export const lookupRules = {
  Gather: { rule: gather },
  GatherElements: { rule: gatherElements },
} as const satisfies Record<string, { readonly rule: Rule }>
