import {
  axisOf,
  type Dims,
  floatOf,
  type GraphBuilder,
  intOf,
  productOf,
  type ValueName,
} from '../../../graph/index.ts'
import { type InputGradient, type Rule, type RuleContext, untrainable } from '../rule.ts'

/**
 * y = x̂ γ + β with x̂ = (x − mean) · r, over the last axis (Ba, Kiros and Hinton 2016): with h = dy·γ, dx = r (h − mean h − x̂ · mean(h·x̂)).
 * Mean and r come from the forward node, which is made to give them.
 */
const layerNormalization: Rule = (context, upstream) => {
  const { g, node, wanted } = context
  const [x, scale] = [context.input(0), context.input(1)]
  const dims = context.dims(x)
  const last = dims.length - 1
  if (axisOf(intOf(node, 'axis', -1), dims.length) !== last)
    throw untrainable(`node '${node.name}' (LayerNormalization) is over several axes; only the last can be trained`)
  const mean = node.outputs[1] || g.op('ReduceMean', [x, g.ints([last])], { keepdims: 1 })
  const centred = g.op('Sub', [x, mean])
  const inverse = node.outputs[2] || inverseDeviation(context, squareMean(g, centred, last))
  const normalized = g.op('Mul', [centred, inverse])
  const weighted = g.op('Mul', [upstream, scale])
  return [
    wanted[0] ? g.op('Mul', [withoutStatistics(g, { weighted, normalized, axis: last }), inverse]) : null,
    wanted[1] ? { value: g.op('Mul', [upstream, normalized]), dims } : null,
    ...(node.inputs.length > 2 ? [wanted[2] ? { value: upstream, dims } : null] : []),
  ]
}

/** The same over groups of channels and their image, of each example (Wu and He 2018); γ and β are of channels, before opset 21 of groups. */
const groupNormalization: Rule = (context, upstream) =>
  byGroups(context, upstream, intOf(context.node, 'num_groups', 1))

/** Each channel is a group of its own (Ulyanov, Vedaldi and Lempitsky 2016). */
const instanceNormalization: Rule = (context, upstream) => {
  const channels = context.dims(context.input(0))[1]
  if (typeof channels === 'number') return byGroups(context, upstream, channels)
  throw untrainable(
    `node '${context.node.name}' (InstanceNormalization) has ${channels} channels, which must be a number`,
  )
}

function byGroups(context: RuleContext, upstream: ValueName, groups: number): InputGradient[] {
  const { g, wanted, dims } = context
  const [x, scale] = [context.input(0), context.input(1)]
  const all = dims(x)
  const [batch = 1, ...rest] = all
  const shares = dims(scale)[0] ?? 1 // how many have a γ of their own
  const inParts = (value: ValueName, count: Dims[number]) => {
    const size = typeof count === 'number' ? partOf(rest, count) : productOf(rest.slice(1))
    return g.reshape(value, [batch, count, size])
  }
  const parts = inParts(x, groups)
  const centred = g.op('Sub', [parts, g.op('ReduceMean', [parts, g.ints([2])], { keepdims: 1 })])
  const inverse = inverseDeviation(context, squareMean(g, centred, 2))
  const normalized = g.op('Mul', [centred, inverse])
  const given = inParts(upstream, shares)
  const weighted = inParts(g.op('Mul', [given, g.reshape(scale, [shares, 1])]), groups)
  const sum = (value: ValueName) => g.op('ReduceSum', [value, g.ints([0, 2])], { keepdims: 0 })
  return [
    wanted[0] ? g.reshape(g.op('Mul', [withoutStatistics(g, { weighted, normalized, axis: 2 }), inverse]), all) : null,
    wanted[1] ? sum(g.op('Mul', [given, inParts(normalized, shares)])) : null,
    wanted[2] ? sum(given) : null,
  ]
}

function partOf(rest: Dims, count: number): Dims[number] {
  const [channels, ...image] = rest
  return typeof channels === 'number' ? productOf([channels / count, ...image]) : productOf(image)
}

/** h − mean h − x̂ · mean(h·x̂): what of a gradient is left where mean and deviation are held. */
function withoutStatistics(
  g: GraphBuilder,
  {
    weighted,
    normalized,
    axis,
  }: { readonly weighted: ValueName; readonly normalized: ValueName; readonly axis: number },
): ValueName {
  const average = (value: ValueName) => g.op('ReduceMean', [value, g.ints([axis])], { keepdims: 1 })
  const along = g.op('Mul', [normalized, average(g.op('Mul', [weighted, normalized]))])
  return g.op('Sub', [g.op('Sub', [weighted, average(weighted)]), along])
}

/**
 * Over batch and image, each channel by itself (Ioffe and Szegedy 2015). In training form mean and variance are the batch's, and gradients flow through
 * them: dx = γ r (dy − mean dy − x̂ · mean(dy·x̂)). Otherwise they are inputs like the others, and dx = γ r dy.
 */
const batchNormalization: Rule = (context, upstream) => {
  const { g, node, wanted, input, dims } = context
  const x = input(0)
  const all = dims(x)
  const others = all.flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  const sum = (value: ValueName) => g.op('ReduceSum', [value, g.ints(others)], { keepdims: 0 })
  const alike = (value: ValueName) =>
    all.length > 2 ? g.reshape(value, [all[1] ?? 1, ...all.slice(2).map(() => 1)]) : value
  const trains = intOf(node, 'training_mode', 0) === 1
  const { mean, variance } = trains ? batchStatistics(context, others, alike) : { mean: input(3), variance: input(4) }
  const inverse = inverseDeviation(context, variance)
  const centred = g.op('Sub', [x, alike(mean)])
  const total = sum(upstream)
  const along = g.op('Mul', [sum(g.op('Mul', [upstream, centred])), inverse]) // Σ dy·x̂
  const weight = g.op('Mul', [input(1), inverse])
  const direct = g.op('Mul', [upstream, alike(weight)])
  if (!trains) {
    const back = g.op('Neg', [weight]) // x̂ moves by −r with the mean, and by −½ x̂ r² with the variance
    const bend = g.op('Mul', [g.op('Mul', [back, inverse]), g.scalar(0.5)])
    const gradients = [direct, along, total, g.op('Mul', [back, total]), g.op('Mul', [bend, along])]
    return gradients.map((gradient, i) => (wanted[i] ? gradient : null))
  }
  const count = countOf(g, x, all)
  const pull = g.op('Div', [g.op('Mul', [g.op('Mul', [weight, inverse]), along]), count])
  const shift = g.op('Div', [g.op('Mul', [weight, total]), count])
  const moved = g.op('Sub', [g.op('Sub', [direct, g.op('Mul', [centred, alike(pull)])]), alike(shift)])
  return [moved, along, total].map((gradient, i) => (wanted[i] ? gradient : null))
}

/** With momentum 0 the node itself gives them, as its second and third output. */
function batchStatistics(
  { g, node, input }: RuleContext,
  others: readonly number[],
  alike: (value: ValueName) => ValueName,
): { readonly mean: ValueName; readonly variance: ValueName } {
  const [, given, spread] = node.outputs
  if (floatOf(node, 'momentum', 0.9) === 0 && given && spread) return { mean: given, variance: spread }
  const average = (value: ValueName) => g.op('ReduceMean', [value, g.ints(others)], { keepdims: 0 })
  const mean = average(input(0))
  const centred = g.op('Sub', [input(0), alike(mean)])
  return { mean, variance: average(g.op('Mul', [centred, centred])) }
}

/** How many numbers a channel has: a scalar, or `[1]` where that is known only when the graph runs. */
function countOf(g: GraphBuilder, x: ValueName, dims: Dims): ValueName {
  const count = productOf(dims.filter((_, axis) => axis !== 1))
  if (typeof count === 'number') return g.scalar(count)
  const channels = g.op('Shape', [x], { start: 1, end: 2 })
  return g.op('Cast', [g.op('Div', [g.op('Size', [x]), channels])], { to: 1 })
}

function squareMean(g: GraphBuilder, centred: ValueName, axis: number): ValueName {
  return g.op('ReduceMean', [g.op('Mul', [centred, centred]), g.ints([axis])], { keepdims: 1 })
}

function inverseDeviation({ g, node }: RuleContext, variance: ValueName): ValueName {
  const deviation = g.op('Sqrt', [g.op('Add', [variance, g.scalar(floatOf(node, 'epsilon', 1e-5))])])
  return g.op('Reciprocal', [deviation])
}

export const normRules = {
  LayerNormalization: { rule: layerNormalization },
  BatchNormalization: { rule: batchNormalization },
  GroupNormalization: { rule: groupNormalization },
  InstanceNormalization: { rule: instanceNormalization },
} as const satisfies Record<string, { readonly rule: Rule }>
