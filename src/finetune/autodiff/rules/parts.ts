import { axisOf, numbersOf, type ValueName } from '../../../graph/index.ts'
import { type Rule, type RuleContext, untrainable } from '../rule.ts'

/** A place along an axis: a number, or a value `[1]` of int64 that is known when the graph runs. */
type Place = number | ValueName

/** One axis of a Slice. */
interface Cut {
  readonly axis: number
  readonly start: Place
  readonly end: Place
  readonly step: number
}

/** The part taken, with zeros around it; taken in steps, its rows are put back one by one. */
const slice: Rule = (context, upstream) => {
  const cuts = cutsOf(context)
  const inSteps = cuts.some(({ step }) => step !== 1)
  return [inSteps ? scattered(context, upstream, cuts) : surrounded(context, upstream, cuts)]
}

function cutsOf({ g, node }: RuleContext): Cut[] {
  const [, starts = '', ends = '', axes = '', steps = ''] = node.inputs
  const refuse = (what: string) =>
    untrainable(
      `node '${node.name}' (Slice) has ${what} that are computed while the model runs. Export it with PyTorch's dynamo exporter: torch.onnx.export(…, dynamo=True)`,
    )
  const constant = (name: ValueName, what: string): number[] | undefined => {
    if (name === '') return undefined
    const tensor = g.tensorOf(name)
    if (tensor) return numbersOf(tensor)
    throw refuse(what)
  }
  const [axesOf, stepsOf] = [constant(axes, 'axes'), constant(steps, 'steps')]
  const count = axesOf?.length ?? g.dimsOf(starts)[0]
  if (typeof count !== 'number') throw refuse('axes')
  const at = (name: ValueName, index: number): Place => {
    const tensor = g.tensorOf(name)
    if (tensor) return numbersOf(tensor)[index] ?? 0
    const value = g.typeOf(name)?.dtype === 'int32' ? g.op('Cast', [name], { to: 7 }) : name
    return count === 1 ? value : g.op('Slice', [value, g.ints([index]), g.ints([index + 1])])
  }
  const rank = g.dimsOf(node.inputs[0] ?? '').length
  return Array.from({ length: count }, (_, i) => ({
    axis: axisOf(axesOf?.[i] ?? i, rank),
    start: at(starts, i),
    end: at(ends, i),
    step: stepsOf?.[i] ?? 1,
  }))
}

function surrounded(context: RuleContext, upstream: ValueName, cuts: readonly Cut[]): ValueName {
  const { g, input } = context
  const all = context.dims(input(0))
  const before: Place[] = all.map(() => 0)
  const after: Place[] = all.map(() => 0)
  for (const { axis, start, end } of cuts) {
    const size = all[axis]
    if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') {
      const from = clamp(start, size)
      before[axis] = from
      after[axis] = size - Math.max(from, clamp(end, size))
    } else {
      const whole = sizeAlong(g, input(0), axis)
      const from = typeof start === 'number' && start >= 0 ? start : inside(g, start, whole)
      before[axis] = from
      after[axis] = g.op('Sub', [g.op('Sub', [whole, sizeAlong(g, upstream, axis)]), placeOf(g, from)])
    }
  }
  return g.op('Pad', [upstream, joined(g, [...before, ...after])])
}

/** Each row goes to the place that it came from, which the same Slice of the numbers of all places tells. */
function scattered({ g, input }: RuleContext, upstream: ValueName, cuts: readonly Cut[]): ValueName {
  const rank = g.dimsOf(input(0)).length
  return cuts.reduce((part, { axis, start, end, step }) => {
    const size = sizeAlong(g, input(0), axis)
    const scalar = g.op('Reshape', [size, g.ints([])])
    const zero = g.op('Sub', [scalar, scalar])
    const one = g.op('Reshape', [g.ints([1]), g.ints([])])
    const numbers = g.op('Range', [zero, scalar, one])
    const places = g.op('Slice', [numbers, placeOf(g, start), placeOf(g, end), g.ints([0]), g.ints([step])])
    const shape = g.op('Shape', [part])
    const along = Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1))
    const indices = g.op('Expand', [g.op('Reshape', [places, g.ints(along)]), shape])
    const dims = Array.from({ length: rank }, (_, i) => (i === axis ? size : sizeAlong(g, part, i)))
    const zeros = g.op('Expand', [g.scalar(0), joined(g, dims)])
    return g.op('ScatterElements', [zeros, indices, part], { axis })
  }, upstream)
}

/** Each copy's gradient is added to the one value. */
const tile: Rule = ({ g, input, dims }, upstream) => {
  const rank = dims(input(0)).length
  const repeats = (axis: number) => g.op('Slice', [input(1), g.ints([axis]), g.ints([axis + 1])])
  const sizes = Array.from({ length: rank }, (_, axis) => [repeats(axis), sizeAlong(g, input(0), axis)]).flat()
  const apart = g.op('Reshape', [upstream, joined(g, sizes)])
  const copies = Array.from({ length: rank }, (_, axis) => 2 * axis)
  return [g.op('ReduceSum', [apart, g.ints(copies)], { keepdims: 0 })]
}

function clamp(place: number, size: number): number {
  return Math.min(Math.max(place < 0 ? place + size : place, 0), size)
}

/** A place counted from the front, within an axis. */
function inside(g: RuleContext['g'], place: Place, size: ValueName): ValueName {
  const value = placeOf(g, place)
  const counted = g.op('Where', [g.op('Less', [value, g.ints([0])]), g.op('Add', [value, size]), value])
  return g.op('Min', [g.op('Max', [counted, g.ints([0])]), size])
}

function sizeAlong(g: RuleContext['g'], value: ValueName, axis: number): ValueName {
  return g.op('Shape', [value], { start: axis, end: axis + 1 })
}

function placeOf(g: RuleContext['g'], place: Place): ValueName {
  return typeof place === 'number' ? g.ints([place]) : place
}

/** Places as one vector. */
function joined(g: RuleContext['g'], places: readonly Place[]): ValueName {
  const numbers = places.filter((place) => typeof place === 'number')
  if (numbers.length === places.length) return g.ints(numbers)
  return g.op(
    'Concat',
    places.map((place) => placeOf(g, place)),
    { axis: 0 },
  )
}

export const partRules = {
  Slice: { rule: slice },
  Tile: { rule: tile },
} as const satisfies Record<string, { readonly rule: Rule }>
