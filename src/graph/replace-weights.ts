import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { type GraphProto, ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf'
import { QontrastError } from '../shared/index.ts'
import type { ValueName } from './types.ts'

/**
 * The same ONNX file with other float32 weights under the same names; nothing else in it changes, but data beside the file moves into it, and a weight
 * that was a copy of another by `Identity` gets values of its own.
 */
export function replaceWeights(
  file: Uint8Array<ArrayBuffer>,
  weights: ReadonlyMap<ValueName, Float32Array>,
  external: ReadonlyMap<ValueName, Uint8Array<ArrayBuffer>> = new Map(),
): Uint8Array<ArrayBuffer> {
  const proto = fromBinary(ModelProtoSchema, file)
  if (proto.graph) splitCopies(proto.graph, weights)
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
    Object.assign(tensor, { rawData: bytes }) // of any memory: it is copied as the file is put together
    tensor.floatData = []
    tensor.externalData = []
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT
  }
  if (missing.size > 0) throw new QontrastError('internal', `the file has no weights ${[...missing].join(', ')}`)
  return toBinary(ModelProtoSchema, proto)
}

function splitCopies(graph: GraphProto, weights: ReadonlyMap<ValueName, unknown>): void {
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]))
  const copied = (name = '', of = '') => (weights.has(name) && !tensors.has(name) ? tensors.get(of) : undefined)
  for (const { opType, input, output } of graph.node) {
    const original = opType === 'Identity' ? copied(output[0], input[0]) : undefined
    if (original) graph.initializer.push({ ...original, name: output[0] ?? '' })
  }
  graph.node = graph.node.filter(({ opType, input, output }) => opType !== 'Identity' || !copied(output[0], input[0]))
}
