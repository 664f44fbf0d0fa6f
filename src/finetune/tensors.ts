import type { TensorValue } from '../graph/index.ts'
import type { HostTensor } from '../runtime/index.ts'
import { QontrastError } from '../shared/index.ts'

/** Whole numbers as an int64 vector. */
export function int64(values: ArrayLike<number>) {
  return { dtype: 'int64', dims: [values.length], data: BigInt64Array.from(Array.from(values), BigInt) } as const
}

/** A number as a float32 scalar. */
export function scalar(value: number) {
  return { dtype: 'float32', dims: [], data: Float32Array.of(value) } as const
}

/** Memory that threads share, all zero. */
export function sharedBytes(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count)
}

/** A copy in memory that threads share. */
export function sharedFloats(values: Float32Array): Float32Array<SharedArrayBuffer> {
  const copy = new Float32Array(sharedBytes(values.byteLength))
  copy.set(values)
  return copy
}

/** A copy in memory that threads share. */
export function toSharedTensor({ dtype, dims, bytes }: TensorValue): HostTensor {
  const copy = new Uint8Array(sharedBytes(bytes.byteLength))
  copy.set(bytes)
  return viewOf(dtype, dims, copy)
}

/** A view of the same memory where it is aligned, else of a copy. */
export function toHostTensor({ dtype, dims, bytes }: TensorValue): HostTensor {
  return viewOf(dtype, dims, bytes.byteOffset % 8 === 0 ? bytes : bytes.slice())
}

function viewOf(
  dtype: TensorValue['dtype'],
  dims: TensorValue['dims'],
  { buffer, byteOffset, byteLength }: Uint8Array,
): HostTensor {
  switch (dtype) {
    case 'float32':
      return { dtype, dims, data: new Float32Array(buffer, byteOffset, byteLength / 4) }
    case 'int64':
      return { dtype, dims, data: new BigInt64Array(buffer, byteOffset, byteLength / 8) }
    case 'int32':
      return { dtype, dims, data: new Int32Array(buffer, byteOffset, byteLength / 4) }
    case 'bool':
      return { dtype, dims, data: new Uint8Array(buffer, byteOffset, byteLength) }
    default:
      throw new QontrastError('internal', `a tensor of ${dtype} is fed to no graph`)
  }
}

/** A copy of its memory. */
export function toTensorValue({ dtype, dims, data }: HostTensor): TensorValue {
  return {
    dtype,
    dims,
    bytes: new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer),
  }
}
