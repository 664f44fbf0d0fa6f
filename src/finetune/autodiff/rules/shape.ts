import { axisOf, intOf, intsOf } from '../../../graph/index.ts'
import type { JoinRule, Rule, RuleEntry } from '../rule.ts'

/** Whatever only arranges anew goes back to the arrangement of the input. */
const reshape: Rule = ({ g, input, dims }, upstream) => [g.reshape(upstream, dims(input(0)))]

const transpose: Rule = ({ g, node, input, dims }, upstream) => {
  const rank = dims(input(0)).length
  const permutation = intsOf(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis))
  return [g.op('Transpose', [upstream], { perm: inverse })]
}

const expand: Rule = ({ output, dims }, upstream) => [{ value: upstream, dims: dims(output()) }]

/** Each input gets its part back. */
const concat: Rule = ({ g, node, wanted, dims, output }, upstream) => {
  const rank = dims(output()).length
  const axis = axisOf(intOf(node, 'axis', 0), rank)
  const sizes = node.inputs.map((name) => g.op('Shape', [name], { start: axis, end: axis + 1 }))
  const parts = g.ops('Split', [upstream, g.op('Concat', sizes, { axis: 0 })], sizes.length, { axis })
  return parts.map((part, i) => (wanted[i] ? part : null))
}

/** The parts side by side again; those without a gradient are zeros. */
const split: JoinRule = ({ g, node }, upstreams) => {
  const parts = node.outputs.map((name, i) => upstreams[i] ?? g.op('Mul', [name, g.scalar(0)]))
  return [g.op('Concat', parts, { axis: intOf(node, 'axis', 0) })]
}

export const shapeRules = {
  Reshape: { rule: reshape },
  Flatten: { rule: reshape },
  Squeeze: { rule: reshape },
  Unsqueeze: { rule: reshape },
  Transpose: { rule: transpose },
  Expand: { rule: expand },
  Concat: { rule: concat },
  Split: { join: split },
} as const satisfies Record<string, RuleEntry>
