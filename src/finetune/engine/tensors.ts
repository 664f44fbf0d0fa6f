/** Whole numbers as an int64 vector. */
export function int64(values: ArrayLike<number>) {
  return { dtype: 'int64', dims: [values.length], data: BigInt64Array.from(Array.from(values), BigInt) } as const
}

/** A number as a float32 scalar. */
export function scalar(value: number) {
  return { dtype: 'float32', dims: [], data: Float32Array.of(value) } as const
}
