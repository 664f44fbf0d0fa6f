import { QontrastError } from './errors.ts'

/** Row-major `[rows, columns]` fp32 values; `row(i)` is a view, not a copy. */
export interface Matrix {
  readonly data: Float32Array
  readonly rows: number
  readonly columns: number
  row(index: number): Float32Array
}

/** Wraps `data` (`rows × columns` values, not copied) as a {@link Matrix}. */
export function createMatrix(rows: number, columns: number, data = new Float32Array(rows * columns)): Matrix {
  if (data.length !== rows * columns) {
    throw new QontrastError(
      'internal',
      `a ${rows} × ${columns} matrix needs ${rows * columns} values, got ${data.length}`,
    )
  }
  return {
    data,
    rows,
    columns,
    row(index) {
      if (!(index >= 0 && index < rows))
        throw new QontrastError('invalid-input', `row ${index} of a matrix with ${rows} rows`)
      return data.subarray(index * columns, (index + 1) * columns)
    },
  }
}

/** Dot product; the cosine where both vectors have unit length. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Scales a vector to unit length in place; a zero vector stays zero. */
export function normalizeInPlace(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector))
  if (norm > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= norm
  return vector
}
