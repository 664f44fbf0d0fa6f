import { axisOf, intOf, intsOf, numbersOf } from '../../../graph/index.ts'
import { QontrastError } from '../../../shared/index.ts'
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
const split: JoinRule = ({ g, node, dims }, upstreams) => {
  const parts = node.outputs.map(
    (name, i) => upstreams[i] ?? g.op('Mul', [name, g.scalar(0)], {}, { type: { dtype: 'float32', dims: dims(name) } }),
  )
  return [g.op('Concat', parts, { axis: intOf(node, 'axis', 0) })]
}

/** The part taken, with zeros around it. Only for steps of one. */
const slice: Rule = ({ g, node, input, dims }, upstream) => {
  const all = dims(input(0))
  const constant = (index: number): number[] | undefined => {
    const name = node.inputs[index] ?? ''
    const tensor = g.tensorOf(name)
    return name === '' ? [] : tensor && numbersOf(tensor)
  }
  const [starts, ends, axes, steps] = [constant(1), constant(2), constant(3), constant(4)]
  const plain = starts && ends && axes && (steps ?? []).every((step) => step === 1)
  if (!plain) {
    throw new QontrastError(
      'model-invalid',
      `Slice '${node.name}' is taken at places computed while the model runs, or in steps; to train it they must be constant, in steps of one.`,
    )
  }
  const before = all.map(() => 0)
  const after = all.map(() => 0)
  for (const [i, start] of starts.entries()) {
    const axis = axisOf(axes[i] ?? i, all.length)
    const size = all[axis]
    const end = ends[i] ?? 0
    if (typeof size === 'number') {
      const from = Math.min(Math.max(start < 0 ? start + size : start, 0), size)
      const to = Math.min(Math.max(end < 0 ? end + size : end, from), size)
      before[axis] = from
      after[axis] = size - to
    } else return [padTo(start, axis)]
  }
  return [g.op('Pad', [upstream, g.ints([...before, ...after])])]

  /** Along an axis of symbolic size, at its beginning: zeros of what is missing are appended. */
  function padTo(start: number, axis: number) {
    if (start < 0 || starts?.length !== 1) {
      throw new QontrastError(
        'model-invalid',
        `Slice '${node.name}' counts from the end of an axis of varying size; it cannot be trained.`,
      )
    }
    const size = (value: string) => g.op('Shape', [value], { start: axis, end: axis + 1 })
    const missing = g.op('Sub', [g.op('Sub', [size(input(0)), size(upstream)]), g.ints([start])])
    const zeros = (count: number) => Array.from({ length: count }, () => 0)
    const front = [...zeros(axis), start, ...zeros(all.length - axis - 1), ...zeros(axis)]
    const back = zeros(all.length - axis - 1)
    const pads = g.op('Concat', [g.ints(front), missing, ...(back.length > 0 ? [g.ints(back)] : [])], { axis: 0 })
    return g.op('Pad', [upstream, pads])
  }
}

export const shapeRules = {
  Reshape: { rule: reshape },
  Flatten: { rule: reshape },
  Squeeze: { rule: reshape },
  Unsqueeze: { rule: reshape },
  Transpose: { rule: transpose },
  Expand: { rule: expand },
  Concat: { rule: concat },
  Slice: { rule: slice },
  Split: { join: split },
} as const satisfies Record<string, RuleEntry>
