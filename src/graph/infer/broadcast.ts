import type { Dim, Dims } from '../types.ts'
import type { InferContext } from './row.ts'

/** Dims that several have together: axes of 1 are stretched. A symbol beside another dim is taken to be as long as that. */
export function broadcast(context: InferContext, all: readonly Dims[]): Dim[] {
  const rank = Math.max(0, ...all.map((dims) => dims.length))
  return Array.from({ length: rank }, (_, axis) => {
    const along = all.map((dims) => dims[axis - rank + dims.length] ?? 1).filter((dim) => dim !== 1)
    const numbers = new Set(along.filter((dim) => typeof dim === 'number'))
    if (numbers.size > 1) context.fail(`${[...numbers].join(' and ')} along axis ${axis} do not broadcast`)
    const [number] = numbers
    return number ?? along[0] ?? 1
  })
}

/** Fails where two dims that must be equal are different numbers. */
export function checkEqual(context: InferContext, a: Dim | undefined, b: Dim | undefined, what: string): void {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) context.fail(`${what}: ${a} and ${b}`)
}
