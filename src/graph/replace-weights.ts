import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf'
import { QontrastError } from '../shared/index.ts'
import type { ValueName } from './types.ts'

/** The same ONNX file with other float32 weights under the same names; nothing else in it changes, but data beside the file moves into it. */
export function replaceWeights(
  file: Uint8Array<ArrayBuffer>,
  weights: ReadonlyMap<ValueName, Float32Array<ArrayBuffer>>,
  external: ReadonlyMap<ValueName, Uint8Array<ArrayBuffer>> = new Map(),
): Uint8Array<ArrayBuffer> {
  const proto = fromBinary(ModelProtoSchema, file)
  const missing = new Set(weights.keys())
  for (const tensor of proto.graph?.initializer ?? []) {
    const values = weights.get(tensor.name)
    missing.delete(tensor.name)
    const isOutside = tensor.dataLocation === TensorProto_DataLocation.EXTERNAL
    const bytes = values
      ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      : isOutside
        ? external.get(tensor.name)
        : undefined
    if (!bytes) continue
    tensor.rawData = bytes
    tensor.floatData = []
    tensor.externalData = []
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT
  }
  if (missing.size > 0) throw new QontrastError('internal', `the file has no weights ${[...missing].join(', ')}`)
  return toBinary(ModelProtoSchema, proto)
}
