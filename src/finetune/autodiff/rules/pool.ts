import { intOf, productOf, type ValueName } from '../../../graph/index.ts'
import { type Rule, type RuleContext, untrainable } from '../rule.ts'

/** Each number that was the largest of a window gets that window's gradient; among equal ones the first, as in PyTorch. */
const maxPool: Rule = (context, upstream) => {
  const { g, node, input, dims } = context
  if (intOf(node, 'storage_order', 0) !== 0)
    throw untrainable(`node '${node.name}' (MaxPool) counts places by columns. Export it with storage_order 0`)
  const size = g.op('Reshape', [g.op('Size', [input(0)]), g.ints([1])])
  const zeros = g.op('Expand', [g.scalar(0), size])
  const flat = (value: ValueName) => g.op('Reshape', [value, g.ints([-1])])
  const sums = g.op('ScatterElements', [zeros, flat(placesOf(context)), flat(upstream)], { axis: 0, reduction: 'add' })
  return [g.reshape(sums, dims(input(0)))]
}

/** Where the largest numbers were: the node's second output, or that of another like it. */
function placesOf({ g, node, output }: RuleContext): ValueName {
  const given = node.outputs[1]
  if (given) return given
  const [again, places] = [`${output()}/again`, `${output()}/places`]
  g.append({ ...node, name: again, outputs: [again, places] })
  return places
}

/** The gradient goes where the largest number of an image was; among equal ones to the first. */
const globalMaxPool: Rule = (context, upstream) => {
  const { g, input, dims } = context
  const all = dims(input(0))
  const [batch = 1, channels = 1, ...image] = all
  const flat = g.reshape(input(0), [batch, channels, productOf(image)])
  const zeros = g.op('Expand', [g.scalar(0), g.op('Shape', [flat])])
  const place = g.op('ArgMax', [flat], { axis: 2 })
  const placed = g.op('ScatterElements', [zeros, place, g.reshape(upstream, [batch, channels, 1])], { axis: 2 })
  return [g.reshape(placed, all)]
}

const globalAveragePool: Rule = ({ g, input, output, dims }, upstream) => {
  const known = productOf(dims(input(0)).slice(2))
  const counted = () => g.op('Div', [g.op('Size', [input(0)]), g.op('Size', [output()])])
  const count = typeof known === 'number' ? g.scalar(known) : g.op('Cast', [counted()], { to: 1 })
  return [g.op('Expand', [g.op('Div', [upstream, count]), g.op('Shape', [input(0)])])]
}

export const poolRules = {
  MaxPool: { rule: maxPool },
  GlobalMaxPool: { rule: globalMaxPool },
  GlobalAveragePool: { rule: globalAveragePool },
} as const satisfies Record<string, { readonly rule: Rule }>
