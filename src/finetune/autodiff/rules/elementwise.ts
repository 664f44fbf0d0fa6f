import { floatOf, stringOf, type ValueName } from '../../../graph/index.ts'
import type { InputGradient, Rule, RuleContext } from '../rule.ts'

/** Gradient with the dims of the output: summed to those of the input by the caller. */
function broadcasting(write: (context: RuleContext, upstream: ValueName, index: number) => ValueName | null): Rule {
  return (context, upstream) => {
    const dims = context.dims(context.output())
    return context.node.inputs.map((_, index): InputGradient => {
      if (!context.wanted[index]) return null
      const value = write(context, upstream, index)
      return value === null ? null : { value, dims }
    })
  }
}

/** For one input: upstream times the derivative. */
function derivative(write: (context: RuleContext, x: ValueName, y: ValueName) => ValueName): { readonly rule: Rule } {
  return {
    rule: (context, upstream) => [context.g.op('Mul', [upstream, write(context, context.input(0), context.output())])],
  }
}

/** Upstream where the chosen input is the one that counts; among equal ones the first. */
function chosen(compare: 'GreaterOrEqual' | 'LessOrEqual'): { readonly rule: Rule } {
  return {
    rule: broadcasting((context, upstream, index) => {
      const { g, node } = context
      if (node.inputs.length === 1) return upstream
      const others = node.inputs.flatMap((name, i) => (i === index ? [] : [{ name, strict: i < index }]))
      const strictCompare = compare === 'GreaterOrEqual' ? 'Greater' : 'Less'
      const wins = others
        .map(({ name, strict }) => g.op(strict ? strictCompare : compare, [context.input(index), name]))
        .reduce((all, one) => g.op('And', [all, one]))
      return g.op('Where', [wins, upstream, g.scalar(0)])
    }),
  }
}

const twoBySqrtPi = 2 / Math.sqrt(Math.PI)

export const elementwiseRules = {
  Add: { rule: broadcasting((_, upstream) => upstream) },
  Sub: { rule: broadcasting(({ g }, upstream, index) => (index === 0 ? upstream : g.op('Neg', [upstream]))) },
  Mul: { rule: broadcasting(({ g, input }, upstream, index) => g.op('Mul', [upstream, input(1 - index)])) },
  Div: {
    rule: broadcasting(({ g, input, output }, upstream, index) => {
      const quotient = g.op('Div', [upstream, input(1)])
      return index === 0 ? quotient : g.op('Neg', [g.op('Mul', [quotient, output()])])
    }),
  },
  Pow: {
    rule: broadcasting(({ g, input, output }, upstream, index) => {
      const [base, exponent] = [input(0), input(1)]
      if (index === 1) return g.op('Mul', [upstream, g.op('Mul', [output(), g.op('Log', [base])])])
      const lowered = g.op('Pow', [base, g.op('Sub', [exponent, g.scalar(1)])])
      return g.op('Mul', [upstream, g.op('Mul', [exponent, lowered])])
    }),
  },
  Max: chosen('GreaterOrEqual'),
  Min: chosen('LessOrEqual'),
  Where: {
    rule: broadcasting(({ g, input }, upstream, index) => {
      if (index === 0) return null
      const zero = g.scalar(0)
      return g.op('Where', index === 1 ? [input(0), upstream, zero] : [input(0), zero, upstream])
    }),
  },
  /** Flows where the input is within the bounds, both included. */
  Clip: {
    rule: ({ g, node, input }, upstream) => {
      const [, least = '', most = ''] = node.inputs
      const tests = [
        ...(least === '' ? [] : [g.op('GreaterOrEqual', [input(0), least])]),
        ...(most === '' ? [] : [g.op('LessOrEqual', [input(0), most])]),
      ]
      const within = tests.reduce<ValueName | undefined>((all, one) => (all ? g.op('And', [all, one]) : one), undefined)
      return [within === undefined ? upstream : g.op('Where', [within, upstream, g.scalar(0)])]
    },
  },
  Abs: {
    rule: ({ g, input }, upstream) => [
      g.op('Where', [g.op('Less', [input(0), g.scalar(0)]), g.op('Neg', [upstream]), upstream]),
    ],
  },
  Neg: { rule: ({ g }, upstream) => [g.op('Neg', [upstream])] },
  Sqrt: { rule: ({ g, output }, upstream) => [g.op('Div', [g.op('Mul', [upstream, g.scalar(0.5)]), output()])] },
  Reciprocal: derivative(({ g }, _, y) => g.op('Neg', [g.op('Mul', [y, y])])),
  Exp: derivative((_, __, y) => y),
  Log: { rule: ({ g, input }, upstream) => [g.op('Div', [upstream, input(0)])] },
  Sin: derivative(({ g }, x) => g.op('Cos', [x])),
  Cos: derivative(({ g }, x) => g.op('Neg', [g.op('Sin', [x])])),
  Erf: derivative(({ g }, x) => {
    const gauss = g.op('Exp', [g.op('Neg', [g.op('Mul', [x, x])])])
    return g.op('Mul', [gauss, g.scalar(twoBySqrtPi)])
  }),
  Tanh: derivative(({ g }, _, y) => g.op('Sub', [g.scalar(1), g.op('Mul', [y, y])])),
  Sigmoid: derivative(({ g }, _, y) => g.op('Mul', [y, g.op('Sub', [g.scalar(1), y])])),
  Relu: {
    rule: ({ g, input }, upstream) => [
      g.op('Where', [g.op('Greater', [input(0), g.scalar(0)]), upstream, g.scalar(0)]),
    ],
  },
  LeakyRelu: {
    rule: ({ g, node, input }, upstream) => {
      const leaked = g.op('Mul', [upstream, g.scalar(floatOf(node, 'alpha', 0.01))])
      return [g.op('Where', [g.op('Greater', [input(0), g.scalar(0)]), upstream, leaked])]
    },
  },
  PRelu: {
    rule: broadcasting(({ g, input }, upstream, index) => {
      const above = g.op('Greater', [input(0), g.scalar(0)])
      const below = g.op('Mul', [upstream, input(1 - index)])
      return g.op('Where', index === 0 ? [above, upstream, below] : [above, g.scalar(0), below])
    }),
  },
  /** y = α (exp x − 1) below 0: its derivative there is y + α. */
  Elu: {
    rule: ({ g, node, input, output }, upstream) => {
      const slope = g.op('Add', [output(), g.scalar(floatOf(node, 'alpha', 1))])
      return [g.op('Where', [g.op('Greater', [input(0), g.scalar(0)]), upstream, g.op('Mul', [upstream, slope])])]
    },
  },
  /** y = α x + β, held between 0 and 1. */
  HardSigmoid: {
    rule: ({ g, node, output }, upstream) => {
      const moves = g.op('And', [g.op('Greater', [output(), g.scalar(0)]), g.op('Less', [output(), g.scalar(1)])])
      const slope = g.op('Mul', [upstream, g.scalar(floatOf(node, 'alpha', 0.2))])
      return [g.op('Where', [moves, slope, g.scalar(0)])]
    },
  },
  /** y = x (x + 3) / 6 between −3 and 3, below it 0 and above it x (Howard et al. 2019). */
  HardSwish: derivative(({ g }, x) => {
    const slope = g.op('Add', [g.op('Mul', [x, g.scalar(1 / 3)]), g.scalar(0.5)])
    const above = g.op('Where', [g.op('GreaterOrEqual', [x, g.scalar(3)]), g.scalar(1), slope])
    return g.op('Where', [g.op('LessOrEqual', [x, g.scalar(-3)]), g.scalar(0), above])
  }),
  /** y = x s with s = σ(α x), for α = 1 also called SiLU: s + α y (1 − s) (Ramachandran, Zoph and Le 2017). */
  Swish: {
    rule: ({ g, node, input, output }, upstream) => {
      const alpha = g.scalar(floatOf(node, 'alpha', 1))
      const gate = g.op('Sigmoid', [g.op('Mul', [input(0), alpha])])
      const rest = g.op('Mul', [g.op('Mul', [output(), alpha]), g.op('Sub', [g.scalar(1), gate])])
      return [g.op('Mul', [upstream, g.op('Add', [gate, rest])])]
    },
  },
  Softplus: derivative(({ g }, x) => g.op('Sigmoid', [x])),
  // d/dx x·Φ(x) = Φ(x) + x·φ(x) (Hendrycks and Gimpel 2016), with u = x / √2: ½ (1 + erf u + 2/√π · u · exp(−u²))
  Gelu: {
    rule: ({ g, node, input }, upstream) => {
      const x = input(0)
      if (stringOf(node, 'approximate', 'none') === 'tanh') return [g.op('Mul', [upstream, tanhGelu({ g, x })])]
      const u = g.op('Mul', [x, g.scalar(Math.SQRT1_2)])
      const gauss = g.op('Exp', [g.op('Neg', [g.op('Mul', [u, u])])])
      const slope = g.op('Mul', [g.op('Mul', [u, g.scalar(twoBySqrtPi)]), gauss])
      const bracket = g.op('Add', [g.op('Add', [g.op('Erf', [u]), slope]), g.scalar(1)])
      return [g.op('Mul', [g.op('Mul', [upstream, g.scalar(0.5)]), bracket])]
    },
  },
  Identity: { rule: (_, upstream) => [upstream] },
  /** Between floats; casts from integers end the path by themselves. */
  Cast: { rule: (_, upstream) => [upstream] },
} as const satisfies Record<string, { readonly rule: Rule }>

/** Derivative of ½ x (1 + tanh t), t = √(2/π) (x + 0.044715 x³). */
function tanhGelu({ g, x }: { g: RuleContext['g']; x: ValueName }): ValueName {
  const scale = Math.sqrt(2 / Math.PI)
  const square = g.op('Mul', [x, x])
  const inner = g.op('Mul', [g.op('Add', [g.op('Mul', [square, g.scalar(0.044715)]), g.scalar(1)]), g.scalar(scale)])
  const tanh = g.op('Tanh', [g.op('Mul', [x, inner])])
  const slope = g.op('Mul', [
    g.op('Add', [g.op('Mul', [square, g.scalar(3 * 0.044715)]), g.scalar(1)]),
    g.scalar(scale),
  ])
  const sech = g.op('Sub', [g.scalar(1), g.op('Mul', [tanh, tanh])])
  const sum = g.op('Add', [g.op('Add', [tanh, g.scalar(1)]), g.op('Mul', [g.op('Mul', [x, sech]), slope])])
  return g.op('Mul', [sum, g.scalar(0.5)])
}
