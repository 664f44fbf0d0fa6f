import type { ValueName } from '../../../graph/index.ts'
import type { HostTensors } from '../../../runtime/index.ts'
import { isKind, QontrastError } from '../../../shared/index.ts'
import type { GradientGraph } from '../graphs/gradients.ts'

/** The gradient of all of a weight, or of some rows of a table. */
export type ParameterGradient =
  | { readonly kind: 'dense'; readonly values: Float32Array }
  | { readonly kind: 'rows'; readonly rows: ReadonlyMap<number, Float32Array> }

export type Gradients = Map<ValueName, ParameterGradient>

/** Takes the gradients out of what a gradient graph gave; rows of a table that were used several times are summed. */
export function gradientsOf(
  { gradients, rowGradients }: Pick<GradientGraph, 'gradients' | 'rowGradients'>,
  feeds: HostTensors,
  results: HostTensors,
): Gradients {
  const found: Gradients = new Map()
  const taken = new Set<ValueName>()
  for (const [name, output] of gradients) {
    const values = floatsOf(results, output)
    found.set(name, { kind: 'dense', values: taken.has(output) ? values.slice() : values }) // two may be one value
    taken.add(output)
  }
  for (const { table, rows, gradient } of rowGradients) {
    const sums = rowsOf(found.get(table))
    const numbers = (results[rows] ?? feeds[rows])?.data ?? new BigInt64Array()
    const values = floatsOf(results, gradient)
    const width = values.length / numbers.length
    for (let i = 0; i < numbers.length; i++) {
      const part = values.subarray(i * width, (i + 1) * width)
      addRow(sums, Number(numbers[i]), part)
    }
    found.set(table, { kind: 'rows', rows: sums })
  }
  for (const { gradient } of rowGradients) free(results[gradient]?.data)
  return found
}

/** Adds gradients to others, which are changed in place; those added are used up. */
export function addGradients(sum: Gradients, more: ReadonlyMap<ValueName, ParameterGradient>): Gradients {
  for (const [name, gradient] of more) {
    const before = sum.get(name)
    if (!before) sum.set(name, gradient)
    else if (gradient.kind === 'dense' && before.kind === 'dense') addInto(before.values, gradient.values)
    else if (gradient.kind === 'rows' && before.kind === 'rows') {
      const rows = rowsOf(before)
      for (const [row, values] of gradient.rows) addRow(rows, row, values)
      sum.set(name, { kind: 'rows', rows })
    } else throw new QontrastError('internal', `the gradients of '${name}' are of two kinds`)
    if (before) freeGradient(gradient)
  }
  return sum
}

/** Gives the memory of gradients back at once: until the collector runs, a few steps of them are gigabytes. */
export function freeGradients(gradients: ReadonlyMap<ValueName, ParameterGradient>): void {
  for (const gradient of gradients.values()) freeGradient(gradient)
}

function freeGradient(gradient: ParameterGradient): void {
  if (gradient.kind === 'dense') free(gradient.values)
}

/** Empties an array's buffer, which it must not share. */
function free(values: { readonly buffer: ArrayBufferLike } | undefined): void {
  const buffer = values?.buffer
  if (isKind(buffer, 'ArrayBuffer') && !buffer.detached) buffer.transfer(0)
}

function rowsOf(gradient: ParameterGradient | undefined): Map<number, Float32Array> {
  return gradient?.kind === 'rows' ? new Map(gradient.rows) : new Map()
}

function addRow(rows: Map<number, Float32Array>, row: number, values: Float32Array): void {
  const before = rows.get(row)
  if (before) addInto(before, values)
  else rows.set(row, values.slice())
}

function addInto(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!
}

/** What a graph gave under a name, as floats. */
export function floatsOf(results: HostTensors, name: ValueName): Float32Array {
  const tensor = results[name]
  if (tensor?.dtype === 'float32') return tensor.data
  throw new QontrastError('internal', `the graph gave no float32 '${name}'`)
}

export function scalarOf(results: HostTensors, name: ValueName): number {
  return floatsOf(results, name)[0] ?? Number.NaN
}

/** Norm of all gradients together. */
export function globalNorm(gradients: ReadonlyMap<ValueName, ParameterGradient>): number {
  let sum = 0
  for (const gradient of gradients.values()) {
    const parts = gradient.kind === 'dense' ? [gradient.values] : gradient.rows.values()
    for (const part of parts) sum += squares(part)
  }
  return Math.sqrt(sum)
}

/** Four sums at a time: one alone waits for each addition before the next. */
export function squares(values: Float32Array): number {
  const even = values.length - (values.length % 4)
  let [a, b, c, d] = [0, 0, 0, 0]
  for (let i = 0; i < even; i += 4) {
    a += values[i]! * values[i]!
    b += values[i + 1]! * values[i + 1]!
    c += values[i + 2]! * values[i + 2]!
    d += values[i + 3]! * values[i + 3]!
  }
  for (let i = even; i < values.length; i++) a += values[i]! * values[i]!
  return a + b + c + d
}
