import { TensorProto_DataType } from 'onnx-buf'
import { QontrastError } from '../shared/index.ts'
import type { DType } from './tensor.ts'

/** ONNX's numbers of element types, in files and in the attributes of Cast and its like. */
export const dtypeCodes: Readonly<Record<DType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  int16: TensorProto_DataType.INT16,
  int8: TensorProto_DataType.INT8,
  uint64: TensorProto_DataType.UINT64,
  uint32: TensorProto_DataType.UINT32,
  uint16: TensorProto_DataType.UINT16,
  uint8: TensorProto_DataType.UINT8,
  int4: TensorProto_DataType.INT4,
  uint4: TensorProto_DataType.UINT4,
  bool: TensorProto_DataType.BOOL,
  string: TensorProto_DataType.STRING,
}

const byCode = new Map<number, DType>(
  Object.entries(dtypeCodes).map(([name, code]) => [code, name as DType] as const), // keys of a const object
)

export function dtypeOf(code: number): DType {
  const dtype = byCode.get(code)
  if (dtype) return dtype
  throw new QontrastError(
    'model-invalid',
    `ONNX element type ${TensorProto_DataType[code] ?? code} is not supported. Known: ${Object.keys(dtypeCodes).join(', ')}.`,
  )
}
