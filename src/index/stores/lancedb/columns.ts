import type { RecordBatch } from 'apache-arrow'
import { isKind, QontrastError } from '../../../shared/index.ts'

export interface RowKey {
  readonly id: string
  readonly document: string
}

/** Whose rows these are, by their columns: objects of rows cost ten times as much. */
export function keysOf(batch: RecordBatch): RowKey[] {
  const ids = batch.getChild('id')
  const documents = batch.getChild('document')
  return Array.from({ length: batch.numRows }, (_, row) => ({
    id: String(ids?.get(row)),
    document: String(documents?.get(row)),
  }))
}

/** `[rows]` of a column of 32-bit floats, `[rows, dimensions]` of one of vectors. */
export function floatsOf(batch: RecordBatch, column: string): Float32Array {
  const child = batch.getChild(column)
  const values: unknown = (child?.getChildAt(0) ?? child)?.toArray()
  if (isKind(values, 'Float32Array')) return values
  throw new QontrastError('internal', `internal: a batch without floats in ${column}.`)
}

/** Of a stretch of `floats` with a vector of that length; four sums at once, which do not wait for each other. */
export function dotAt(vector: Float32Array, floats: Float32Array, from: number): number {
  const length = vector.length
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i + 3 < length; i += 4) {
    a += vector[i]! * floats[from + i]!
    b += vector[i + 1]! * floats[from + i + 1]!
    c += vector[i + 2]! * floats[from + i + 2]!
    d += vector[i + 3]! * floats[from + i + 3]!
  }
  for (; i < length; i++) a += vector[i]! * floats[from + i]!
  return a + b + (c + d)
}
