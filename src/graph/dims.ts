import { QontrastError } from '../shared/index.ts'
import { type Atom, byLead, parseDim, productTerm, quotientTerm, type Term, termsText } from './dim-text.ts'
import type { Dim, Dims } from './types.ts'

/** A dim as a sum of terms, each a number times symbols and quotients that are rounded down. */
export function termsOf(dim: Dim): readonly Term[] {
  if (typeof dim === 'number') return dim === 0 ? [] : [{ factor: dim, atoms: [] }]
  return parseDim(dim)
}

/** Terms with equal atoms added up; a dim without symbols is a number again. */
function dimOf(terms: readonly Term[]): Dim {
  const sums = new Map<string, Term>()
  for (const { factor, atoms } of terms) {
    const key = JSON.stringify(atoms)
    sums.set(key, { atoms, factor: factor + (sums.get(key)?.factor ?? 0) })
  }
  const left = [...sums.values()].filter(({ factor }) => factor !== 0)
  const [first, ...others] = left
  if (!first) return 0
  return others.length === 0 && first.atoms.length === 0 ? first.factor : termsText(left)
}

export function sumOf(dims: Dims): Dim {
  return dimOf(dims.flatMap(termsOf))
}

export function differenceOf(a: Dim, b: Dim): Dim {
  return sumOf([a, productOf([b, -1])])
}

export function productOf(dims: Dims): Dim {
  const multiply = (left: readonly Term[], right: readonly Term[]) =>
    left.flatMap((one) => right.map((other) => productTerm(one, other)))
  return dimOf(dims.map(termsOf).reduce(multiply, [{ factor: 1, atoms: [] }]))
}

/** The dim that times `b` is `a`, whatever the symbols are; undefined where there is none. */
export function exactQuotientOf(a: Dim, b: Dim): Dim | undefined {
  const [lead] = termsOf(b).toSorted(byLead)
  const parts: Dim[] = []
  let rest = a
  while (rest !== 0) {
    const [first] = termsOf(rest).toSorted(byLead)
    const part = first && lead && quotientTerm(first, lead)
    if (!part) return undefined
    const quotient = dimOf([part])
    parts.push(quotient)
    rest = differenceOf(rest, productOf([quotient, b]))
  }
  return sumOf(parts)
}

/** `a / b` rounded down, for a number `b` above 0 or a dim. */
export function floorQuotientOf(a: Dim, b: Dim): Dim {
  const exact = exactQuotientOf(a, b)
  if (exact !== undefined) return exact
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b)
  const whole =
    typeof b === 'number' ? termsOf(a).flatMap(({ factor, atoms }) => ({ factor: Math.floor(factor / b), atoms })) : []
  const rest = differenceOf(a, productOf([dimOf(whole), b]))
  if (typeof rest === 'number' && typeof b === 'number') return dimOf(whole)
  return sumOf([dimOf(whole), dimOf([{ factor: 1, atoms: [{ over: String(rest), under: String(b) }] }])])
}

/** `a / b` rounded up. */
export function ceilQuotientOf(a: Dim, b: number): Dim {
  return floorQuotientOf(sumOf([a, b - 1]), b)
}

/** A dim with other dims, or numbers, in place of symbols. */
export function substitute(dim: Dim, values: Readonly<Record<string, Dim>>): Dim {
  if (typeof dim === 'number') return dim
  const value = (atom: Atom): Dim => {
    if (typeof atom === 'string') return Object.hasOwn(values, atom) ? (values[atom] ?? atom) : atom
    return floorQuotientOf(substitute(atom.over, values), substitute(atom.under, values))
  }
  return sumOf(termsOf(dim).map(({ factor, atoms }) => productOf([factor, ...atoms.map(value)])))
}

/** The symbols that a dim is made of. */
export function symbolsOf(dim: Dim): string[] {
  const inAtom = (atom: Atom) =>
    typeof atom === 'string' ? [atom] : [...symbolsOf(atom.over), ...symbolsOf(atom.under)]
  return [...new Set(termsOf(dim).flatMap(({ atoms }) => atoms.flatMap(inAtom)))]
}

/** The number that a dim is where its symbols have these sizes; undefined where one is missing. */
export function sizeAt(dim: Dim, sizes: Readonly<Record<string, number>>): number | undefined {
  const size = substitute(dim, sizes)
  return typeof size === 'number' ? size : undefined
}

/** The least number that a dim can be, where no axis is empty. */
export function leastOf(dim: Dim): number {
  return termsOf(dim).reduce((sum, { factor, atoms }) => {
    if (atoms.length > 0 && factor < 0) return Number.NEGATIVE_INFINITY
    return atoms.some((atom) => typeof atom !== 'string') ? sum : sum + factor
  }, 0)
}

export function sameDims(a: Dims, b: Dims): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis])
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis
  if (counted >= 0 && counted < rank) return counted
  throw new QontrastError('model-invalid', `Axis ${axis} is outside a value of ${rank} dimensions.`)
}
