import { TensorProto_DataType } from 'onnx-buf'
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

/** Element types with ONNX's code, and the bytes of an element (0: packed or of no fixed size). */
export const dtypes: Readonly<Record<DType, { readonly code: TensorProto_DataType; readonly bytes: number }>> = {
  float32: { code: TensorProto_DataType.FLOAT, bytes: 4 },
  float64: { code: TensorProto_DataType.DOUBLE, bytes: 8 },
  float16: { code: TensorProto_DataType.FLOAT16, bytes: 2 },
  bfloat16: { code: TensorProto_DataType.BFLOAT16, bytes: 2 },
  int64: { code: TensorProto_DataType.INT64, bytes: 8 },
  int32: { code: TensorProto_DataType.INT32, bytes: 4 },
  int16: { code: TensorProto_DataType.INT16, bytes: 2 },
  int8: { code: TensorProto_DataType.INT8, bytes: 1 },
  uint64: { code: TensorProto_DataType.UINT64, bytes: 8 },
  uint32: { code: TensorProto_DataType.UINT32, bytes: 4 },
  uint16: { code: TensorProto_DataType.UINT16, bytes: 2 },
  uint8: { code: TensorProto_DataType.UINT8, bytes: 1 },
  int4: { code: TensorProto_DataType.INT4, bytes: 0 },
  uint4: { code: TensorProto_DataType.UINT4, bytes: 0 },
  bool: { code: TensorProto_DataType.BOOL, bytes: 1 },
  string: { code: TensorProto_DataType.STRING, bytes: 0 },
}

/** A constant: `bytes` little-endian and row-major, as ONNX stores them. */
export interface TensorValue {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array<ArrayBuffer>
}

const byCode = new Map<number, DType>(
  Object.entries(dtypes).map(([name, { code }]) => [code, name as DType] as const), // keys of a const object
)

export function dtypeOf(code: number): DType {
  const dtype = byCode.get(code)
  if (dtype) return dtype
  throw new QontrastError(
    'model-invalid',
    `ONNX element type ${TensorProto_DataType[code] ?? code} is not supported. Known: ${Object.keys(dtypes).join(', ')}.`,
  )
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
  return Array.from({ length: bytes.byteLength / dtypes[dtype].bytes }, (_, i) => read(view, i * dtypes[dtype].bytes))
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
