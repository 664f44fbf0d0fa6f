import type { RecordBatch } from 'apache-arrow'
import { isKind, QontrastError } from '../../../shared/index.ts'
import type { PointIds } from '../ranking.ts'

/** Whose rows these are, by their columns: objects of rows cost ten times as much. */
export function keysOf(batch: RecordBatch): PointIds[] {
  const documents = stringsOf(batch, 'document')
  return stringsOf(batch, 'id').map((id, i) => ({ id, document: documents[i] ?? '' }))
}

/** Where rows lie: numbers that stand for them in one state of a table. */
export function rowsOf(batch: RecordBatch): BigUint64Array {
  const values: unknown = batch.getChild('_rowid')?.toArray()
  if (isKind(values, 'BigUint64Array')) return values
  throw new QontrastError('internal', 'internal: a batch without rows.')
}

export function stringsOf(batch: RecordBatch, column: string): string[] {
  const values = batch.getChild(column)
  return Array.from({ length: batch.numRows }, (_, row) => String(values?.get(row)))
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
