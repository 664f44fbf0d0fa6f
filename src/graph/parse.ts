import { fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  FunctionProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type TypeProto,
} from 'onnx-buf'
import { messageOf, QontrastError } from '../shared/index.ts'
import { dtypeOf } from './dtype-codes.ts'
import { type DType, elementBytes, sizeOf, type TensorValue } from './tensor.ts'
import type { Attribute, Dim, Graph, GraphNode, GraphValue, Model, ValueName, ValueType } from './types.ts'

/** Bytes of a file beside the model (external data), or undefined where it is absent. */
export type ReadExternal = (
  location: string,
  range: { offset: number; length: number | undefined },
) => Uint8Array<ArrayBuffer> | undefined

/** Reads an ONNX file; weights stay views of its bytes. `model-invalid` where it is broken or data beside it is missing. */
export function parseModel(file: Uint8Array<ArrayBuffer>, readExternal: ReadExternal = () => undefined): Model {
  let proto: ModelProto
  try {
    proto = fromBinary(ModelProtoSchema, file)
  } catch (cause) {
    throw new QontrastError('model-invalid', `This is not a whole ONNX file: ${messageOf(cause)}`, { cause })
  }
  if (!proto.graph) throw new QontrastError('model-invalid', 'This ONNX file has no graph.')
  return {
    graph: parseGraph(proto.graph, readExternal),
    irVersion: Number(proto.irVersion),
    opsets: new Map(
      proto.opsetImport.map(({ domain, version }) => [domain === 'ai.onnx' ? '' : domain, Number(version)]),
    ),
    functions: proto.functions.map((one) => toBinary(FunctionProtoSchema, one)),
  }
}

function parseGraph(proto: GraphProto, readExternal: ReadExternal): Graph {
  return {
    name: proto.name,
    inputs: proto.input.map(parseValue),
    outputs: proto.output.map(parseValue),
    initializers: new Map(proto.initializer.map((tensor) => [tensor.name, parseTensor(tensor, readExternal)])),
    nodes: proto.node.map((node) => parseNode(node, readExternal)),
    values: proto.valueInfo.map(parseValue),
  }
}

function parseNode(proto: NodeProto, readExternal: ReadExternal): GraphNode {
  const domain = proto.domain === 'ai.onnx' ? '' : proto.domain
  return {
    name: proto.name,
    op: domain === '' ? proto.opType : `${domain}.${proto.opType}`,
    inputs: proto.input,
    outputs: proto.output,
    attributes: Object.fromEntries(
      proto.attribute.map((attribute) => [attribute.name, parseAttribute(attribute, readExternal)]),
    ),
  }
}

function parseAttribute(proto: AttributeProto, readExternal: ReadExternal): Attribute {
  switch (proto.type) {
    case Kind.INT:
      return { kind: 'int', value: proto.i }
    case Kind.FLOAT:
      return { kind: 'float', value: proto.f }
    case Kind.STRING:
      return { kind: 'string', value: proto.s }
    case Kind.INTS:
      return { kind: 'ints', value: proto.ints }
    case Kind.FLOATS:
      return { kind: 'floats', value: proto.floats }
    case Kind.STRINGS:
      return { kind: 'strings', value: proto.strings }
    case Kind.TENSOR:
      if (proto.t) return { kind: 'tensor', value: parseTensor(proto.t, readExternal) }
      break
    case Kind.GRAPH:
      if (proto.g) return { kind: 'graph', value: parseGraph(proto.g, readExternal) }
      break
  }
  throw new QontrastError(
    'model-invalid',
    `Attribute '${proto.name}' of kind ${Kind[proto.type] ?? proto.type} is not supported.`,
  )
}

function parseValue({ name, type }: { name: string; type?: TypeProto }): GraphValue {
  return { name, type: parseType(type, name) }
}

/** A dim that the file says nothing of is a symbol of its own, named after the value and the axis. */
function parseType(type: TypeProto | undefined, name: ValueName): ValueType | undefined {
  if (type?.value.case !== 'tensorType') return undefined
  const { elemType, shape } = type.value.value
  const dims = shape?.dim.map(({ value }, axis): Dim => {
    if (value.case === 'dimValue') return Number(value.value)
    return value.case === 'dimParam' && value.value !== '' ? value.value : `${name}.${axis}`
  })
  return { dtype: dtypeOf(elemType), dims }
}

/** Values stored one by one in a message's own fields, and how many bytes each becomes. */
function packed(proto: TensorProto, dtype: DType): Uint8Array<ArrayBuffer> {
  const bytes = elementBytes[dtype]
  const values: readonly (number | bigint)[] =
    dtype === 'float32'
      ? proto.floatData
      : dtype === 'float64'
        ? proto.doubleData
        : dtype === 'int64'
          ? proto.int64Data
          : dtype === 'uint64' || dtype === 'uint32'
            ? proto.uint64Data
            : proto.int32Data
  const out = new DataView(new ArrayBuffer(values.length * bytes))
  const write = writers[dtype] ?? ((view, at, value) => view.setInt8(at, Number(value)))
  for (const [i, value] of values.entries()) write(out, i * bytes, value)
  return new Uint8Array(out.buffer)
}

const writers: Partial<Record<DType, (view: DataView, at: number, value: number | bigint) => void>> = {
  float32: (view, at, value) => view.setFloat32(at, Number(value), true),
  float64: (view, at, value) => view.setFloat64(at, Number(value), true),
  float16: (view, at, value) => view.setUint16(at, Number(value), true),
  bfloat16: (view, at, value) => view.setUint16(at, Number(value), true),
  int64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  uint64: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  int32: (view, at, value) => view.setInt32(at, Number(value), true),
  uint32: (view, at, value) => view.setUint32(at, Number(value), true),
  int16: (view, at, value) => view.setInt16(at, Number(value), true),
  uint16: (view, at, value) => view.setUint16(at, Number(value), true),
}

function parseTensor(proto: TensorProto, readExternal: ReadExternal): TensorValue {
  const dtype = dtypeOf(proto.dataType)
  const dims = proto.dims.map(Number)
  const invalid = (reason: string) => new QontrastError('model-invalid', `Weight '${proto.name}' ${reason}.`)
  if (dtype === 'string') throw invalid('holds strings, which are not supported')
  const bytes =
    proto.dataLocation === TensorProto_DataLocation.EXTERNAL
      ? externalBytes(proto, readExternal, invalid)
      : proto.rawData.length > 0
        ? proto.rawData
        : packed(proto, dtype)
  const expected = sizeOf(dims) * elementBytes[dtype]
  if (elementBytes[dtype] > 0 && bytes.length !== expected)
    throw invalid(`has ${bytes.length} bytes; its shape [${dims.join(', ')}] needs ${expected}`)
  return { dtype, dims, bytes }
}

function externalBytes(
  { externalData }: TensorProto,
  readExternal: ReadExternal,
  invalid: (reason: string) => QontrastError,
): Uint8Array<ArrayBuffer> {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]))
  const location = entries.get('location') ?? ''
  const length = entries.get('length')
  const bytes = readExternal(location, {
    offset: Number(entries.get('offset') ?? 0),
    length: length === undefined ? undefined : Number(length),
  })
  if (bytes) return bytes
  throw invalid(`lies in '${location}', which is not beside the model: copy that file into its folder`)
}
