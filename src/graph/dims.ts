import { QontrastError } from '../shared/index.ts'
import type { Dim, Dims } from './types.ts'

/** A dim as a factor and the symbols multiplied with it: `12*batch*sequence` → 12, [batch, sequence]. */
export function factorsOf(dim: Dim): { factor: number; symbols: readonly string[] } {
  if (typeof dim === 'number') return { factor: dim, symbols: [] }
  const parts = dim.split('*')
  const numbers = parts.map(Number).filter((part) => !Number.isNaN(part))
  return {
    factor: numbers.reduce((product, number) => product * number, 1),
    symbols: parts.filter((part) => Number.isNaN(Number(part))).sort(),
  }
}

export function productOf(dims: Dims): Dim {
  const factors = dims.map(factorsOf)
  const factor = factors.reduce((product, one) => product * one.factor, 1)
  const symbols = factors.flatMap((one) => one.symbols).sort()
  if (symbols.length === 0) return factor
  return [...(factor === 1 ? [] : [String(factor)]), ...symbols].join('*')
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
