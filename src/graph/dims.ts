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

/** The dims of two values broadcast together, as NumPy does. */
export function broadcastDims(a: Dims, b: Dims): Dims {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1
    const right = b[b.length - rank + i] ?? 1
    if (left === 1) return right
    if (right === 1 || left === right) return left
    throw new QontrastError('internal', `[${a.join(', ')}] and [${b.join(', ')}] do not broadcast`)
  })
}

/** The number that a dim stands for. */
export function sizeOfDim(dim: Dim, symbols: Readonly<Record<string, number>>): number {
  const { factor, symbols: names } = factorsOf(dim)
  return names.reduce((product, name) => {
    const size = symbols[name]
    if (size === undefined) throw new QontrastError('internal', `the symbol '${name}' has no size`)
    return product * size
  }, factor)
}
