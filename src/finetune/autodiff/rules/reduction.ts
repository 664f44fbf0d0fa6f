import { axisOf, type Dims, intOf, intsOf, numbersOf, productOf, type ValueName } from '../../../graph/index.ts'
import { type Rule, type RuleContext, untrainable } from '../rule.ts'

interface Reduced {
  /** Upstream and output with the reduced axes kept as 1, so that they broadcast to the input. */
  readonly upstream: ValueName
  readonly output: ValueName
  readonly axes: readonly number[]
}

/** A rule for a reduction: what is written is multiplied or broadcast to the input's dims. */
function reduction(write: (context: RuleContext, reduced: Reduced) => ValueName): { readonly rule: Rule } {
  return {
    rule: (context, upstream) => {
      const { g, node } = context
      const dims = context.dims(context.input(0))
      const axes = axesOf(context, dims)
      const kept = dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
      const isKept = intOf(node, 'keepdims', 1) === 1
      const keep = (value: ValueName) => (isKept ? value : g.reshape(value, kept))
      return [write(context, { upstream: keep(upstream), output: keep(context.output()), axes })]
    },
  }
}

function axesOf({ g, node }: RuleContext, dims: Dims): number[] {
  const name = node.inputs[1] ?? ''
  const given = name === '' ? intsOf(node, 'axes') : constantInts(g, name)
  if (!given || given.length === 0) return dims.map((_, axis) => axis)
  return given.map((axis) => axisOf(axis, dims.length))
}

function constantInts(g: RuleContext['g'], name: ValueName): number[] {
  const tensor = g.tensorOf(name)
  if (tensor) return numbersOf(tensor)
  throw untrainable(`the axes '${name}' are computed while it runs. Export it with constant ones`)
}

function expand(g: RuleContext['g'], value: ValueName, like: ValueName): ValueName {
  return g.op('Expand', [value, g.op('Shape', [like])])
}

/** How many elements were reduced to one: a float scalar, or one beside each output where that is known only when the graph runs. */
function countOf({ g, input, dims }: RuleContext, axes: readonly number[]): ValueName {
  const all = dims(input(0))
  const count = productOf(axes.map((axis) => all[axis] ?? 1))
  if (typeof count === 'number') return g.scalar(count)
  const ones = g.op('Expand', [g.scalar(1), g.op('Shape', [input(0)])])
  return g.op('ReduceSum', [ones, g.ints(axes)], { keepdims: 1 })
}

/** y = softmax x: dx = y (dy − Σ dy·y), over the axis. */
const softmax: Rule = ({ g, node, input, output, dims }, upstream) => {
  const axis = axisOf(intOf(node, 'axis', -1), dims(input(0)).length)
  const y = withoutNaN(g, output())
  const product = g.op('Mul', [upstream, y])
  const sum = g.op('ReduceSum', [product, g.ints([axis])], { keepdims: 1 })
  return [g.op('Sub', [product, g.op('Mul', [y, sum])])]
}

/** Zeros for the rows of tokens that may look at no other, where the model replaces them: PyTorch's exports of `scaled_dot_product_attention` do. */
function withoutNaN(g: RuleContext['g'], value: ValueName): ValueName {
  const test = g.nodes().find(({ op, inputs }) => op === 'IsNaN' && inputs[0] === value)?.outputs[0]
  return test === undefined ? value : g.op('Where', [test, g.scalar(0), value])
}

/** y = x − log Σ exp x: dx = dy − exp(y) Σ dy. */
const logSoftmax: Rule = ({ g, node, input, output, dims }, upstream) => {
  const axis = axisOf(intOf(node, 'axis', -1), dims(input(0)).length)
  const sum = g.op('ReduceSum', [upstream, g.ints([axis])], { keepdims: 1 })
  return [g.op('Sub', [upstream, g.op('Mul', [g.op('Exp', [output()]), sum])])]
}

/** Where the extreme is reached; several equal ones share the gradient. */
const extreme = reduction(({ g, input }, { upstream, output, axes }) => {
  const reached = g.op('Cast', [g.op('Equal', [input(0), output])], { to: 1 })
  const count = g.op('ReduceSum', [reached, g.ints(axes)], { keepdims: 1 })
  return g.op('Mul', [reached, g.op('Div', [upstream, count])])
})

export const reductionRules = {
  ReduceSum: reduction(({ g, input }, { upstream }) => expand(g, upstream, input(0))),
  ReduceMean: reduction((context, { upstream, axes }) => {
    const { g, input } = context
    return expand(g, g.op('Div', [upstream, countOf(context, axes)]), input(0))
  }),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceL2: reduction(({ g, input }, { upstream, output }) => g.op('Mul', [input(0), g.op('Div', [upstream, output])])),
  ReduceSumSquare: reduction(({ g, input }, { upstream }) =>
    g.op('Mul', [input(0), g.op('Mul', [upstream, g.scalar(2)])]),
  ),
  ReduceLogSumExp: reduction(({ g, input }, { upstream, output }) =>
    g.op('Mul', [g.op('Exp', [g.op('Sub', [input(0), output])]), upstream]),
  ),
  Softmax: { rule: softmax },
  LogSoftmax: { rule: logSoftmax },
} as const satisfies Record<string, { readonly rule: Rule }>
