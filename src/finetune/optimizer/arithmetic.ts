import type { OpName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'

/** Arithmetic on numbers as data: a loop on the host computes it for each element, and a graph has it as nodes. */
export type Expression =
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'apply'; readonly operation: Operation; readonly to: readonly Expression[] }

/** How each operation is written in JavaScript, and the operator that it is in a graph. */
export const operations = {
  add: { op: 'Add', code: (a, b) => `${a} + ${b}` },
  subtract: { op: 'Sub', code: (a, b) => `${a} - ${b}` },
  multiply: { op: 'Mul', code: (a, b) => `${a} * ${b}` },
  divide: { op: 'Div', code: (a, b) => `${a} / ${b}` },
  power: { op: 'Pow', code: (a, b) => `${a} ** ${b}` },
  smaller: { op: 'Min', code: (a, b) => `Math.min(${a}, ${b})` },
  larger: { op: 'Max', code: (a, b) => `Math.max(${a}, ${b})` },
  squareRoot: { op: 'Sqrt', code: (a) => `Math.sqrt(${a})` },
  absolute: { op: 'Abs', code: (a) => `Math.abs(${a})` },
  sign: { op: 'Sign', code: (a) => `Math.sign(${a})` },
} as const satisfies Record<string, { readonly op: OpName; code(a: string, b: string): string }>

export type Operation = keyof typeof operations
export type Term = Expression | number

export function value(name: string): Expression {
  return { kind: 'value', name }
}

export const add = (a: Term, b: Term) => apply('add', a, b)
export const subtract = (a: Term, b: Term) => apply('subtract', a, b)
export const multiply = (a: Term, b: Term) => apply('multiply', a, b)
export const divide = (a: Term, b: Term) => apply('divide', a, b)
export const power = (a: Term, b: Term) => apply('power', a, b)
export const smaller = (a: Term, b: Term) => apply('smaller', a, b)
export const larger = (a: Term, b: Term) => apply('larger', a, b)
export const squareRoot = (a: Term) => apply('squareRoot', a)
export const absolute = (a: Term) => apply('absolute', a)
export const sign = (a: Term) => apply('sign', a)

/** All of it, for optimizers and constraints of a user's own. */
export const arithmetic = {
  add,
  subtract,
  multiply,
  divide,
  power,
  smaller,
  larger,
  squareRoot,
  absolute,
  sign,
} as const

function apply(operation: Operation, ...terms: Term[]): Expression {
  return { kind: 'apply', operation, to: terms.map(toExpression) }
}

function toExpression(term: Term): Expression {
  if (typeof term !== 'number') return term
  if (!Number.isFinite(term))
    throw new QontrastError('invalid-option', `An update computes with ${term}, which is no finite number.`)
  return { kind: 'constant', value: term }
}

/** Whether a value is among what an expression is made of. */
export function reads(expression: Expression, name: string): boolean {
  if (expression.kind === 'value') return expression.name === name
  return expression.kind === 'apply' && expression.to.some((one) => reads(one, name))
}
