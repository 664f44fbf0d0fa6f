import { float32Of, type ValueName } from '../../graph/index.ts'
import type { TowerParameter } from '../tower/tower.ts'
import type { Optimizer, UpdateSettings } from './optimizer.ts'

/** A weight with what its optimizer keeps for it. */
export interface Parameter {
  readonly name: ValueName
  readonly dims: readonly number[]
  readonly weights: Float32Array<ArrayBuffer>
  readonly slots: readonly Float32Array<ArrayBuffer>[]
  readonly decays: boolean
  /** For a table: rows that any batch has used so far, in the order of their first use. */
  readonly usedRows: Set<number> | undefined
}

/** The gradient of all of a parameter, or of some rows of a table. */
export type ParameterGradient =
  | { readonly kind: 'dense'; readonly values: Float32Array }
  | { readonly kind: 'rows'; readonly rows: ReadonlyMap<number, Float32Array> }

export type Gradients = ReadonlyMap<ValueName, ParameterGradient>

/** Copies a tower's weights, and makes the optimizer's slots. */
export function createParameters(
  given: ReadonlyMap<ValueName, TowerParameter>,
  optimizer: Optimizer,
  tables: ReadonlySet<ValueName>,
): Map<ValueName, Parameter> {
  return new Map(
    [...given].map(([name, { value, decays }]) => {
      const weights = float32Of(value).slice()
      const slots = optimizer.slots.map(() => new Float32Array(weights.length))
      const usedRows = tables.has(name) ? new Set<number>() : undefined
      return [name, { name, dims: value.dims, weights, slots, decays, usedRows }]
    }),
  )
}

/** Norm of all gradients together. */
export function globalNorm(gradients: Gradients): number {
  let sum = 0
  for (const gradient of gradients.values()) {
    const parts = gradient.kind === 'dense' ? [gradient.values] : gradient.rows.values()
    for (const part of parts) sum += squares(part)
  }
  return Math.sqrt(sum)
}

/** Moves every weight by its gradient. Rows of a table that no batch has used yet have neither gradient nor slots: only decay touches them. */
export function applyGradients(
  parameters: ReadonlyMap<ValueName, Parameter>,
  gradients: Gradients,
  optimizer: Optimizer,
  settings: UpdateSettings,
): void {
  for (const [name, gradient] of gradients) {
    const parameter = parameters.get(name)
    if (!parameter) continue
    const { weights, slots } = parameter
    const own = { ...settings, decay: parameter.decays ? settings.decay : 0 }
    if (gradient.kind === 'dense') optimizer.updateHost({ weights, gradient: gradient.values, slots }, own)
    else updateRows(parameter, gradient.rows, optimizer, own)
  }
}

function updateRows(
  { weights, slots, dims, usedRows }: Parameter,
  gradients: ReadonlyMap<number, Float32Array>,
  optimizer: Optimizer,
  settings: UpdateSettings,
): void {
  const [rows = 0] = dims
  const width = weights.length / rows
  for (const row of gradients.keys()) usedRows?.add(row)
  const part = (values: Float32Array, row: number) => values.subarray(row * width, (row + 1) * width)
  for (const row of usedRows ?? []) {
    const update = {
      weights: part(weights, row),
      gradient: gradients.get(row),
      slots: slots.map((slot) => part(slot, row)),
    }
    optimizer.updateHost(update, settings)
  }
  if (settings.decay === 0) return
  const keep = 1 - settings.rate * settings.decay
  for (let row = 0; row < rows; row++) {
    if (usedRows?.has(row)) continue
    for (let i = row * width; i < (row + 1) * width; i++) weights[i] = weights[i]! * keep
  }
}

/** Four sums at a time: one alone waits for each addition before the next. */
function squares(values: Float32Array): number {
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
