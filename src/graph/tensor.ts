import { QontrastError } from '../shared/index.ts'

/** Element types by ONNX's name in lower case. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'int4'
  | 'uint4'
  | 'bool'
  | 'string'

/** Bytes of an element; 0: packed, or of no fixed size. */
export const elementBytes: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  int4: 0,
  uint4: 0,
  bool: 1,
  string: 0,
}

/** A constant: `bytes` little-endian and row-major, as ONNX stores them. */
export interface TensorValue {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array<ArrayBuffer>
}

export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}

/** The values of a float32 tensor; a view where the bytes are aligned. */
export function float32Of({ dtype, bytes }: TensorValue): Float32Array<ArrayBuffer> {
  if (dtype !== 'float32') throw new QontrastError('internal', `expected float32, got ${dtype}`)
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}

/** The values of a small integer or float constant as numbers. */
export function numbersOf({ dtype, bytes }: TensorValue): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = numberReaders[dtype]
  if (!read) throw new QontrastError('internal', `a constant of ${dtype} cannot be read as numbers`)
  return Array.from({ length: bytes.byteLength / elementBytes[dtype] }, (_, i) => read(view, i * elementBytes[dtype]))
}

const numberReaders: Partial<Record<DType, (view: DataView, at: number) => number>> = {
  float32: (view, at) => view.getFloat32(at, true),
  float64: (view, at) => view.getFloat64(at, true),
  int64: (view, at) => Number(view.getBigInt64(at, true)),
  int32: (view, at) => view.getInt32(at, true),
  uint8: (view, at) => view.getUint8(at),
  bool: (view, at) => view.getUint8(at),
}

export function float32Tensor(values: ArrayLike<number>, dims: readonly number[]): TensorValue {
  const copy = Float32Array.from(values)
  return { dtype: 'float32', dims, bytes: new Uint8Array(copy.buffer) }
}

export function int64Tensor(values: readonly number[], dims: readonly number[] = [values.length]): TensorValue {
  const copy = BigInt64Array.from(values, BigInt)
  return { dtype: 'int64', dims, bytes: new Uint8Array(copy.buffer) }
}
