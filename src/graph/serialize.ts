import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type TensorShapeProto_Dimension,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import type { OpName } from './ops.ts'
import { dtypes, type TensorValue } from './tensor.ts'
import type { Attribute, Dim, Graph, GraphValue, Model } from './types.ts'

/** The bytes of an ONNX file. */
export function serializeModel({ graph, irVersion, opsets, functions }: Model): Uint8Array<ArrayBuffer> {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      producerName: 'qontrast',
      opsetImport: [...opsets].map(([domain, version]) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
      ),
      functions: functions.map((bytes) => fromBinary(FunctionProtoSchema, bytes)),
      graph: toGraphProto(graph),
    }),
  )
}

function toGraphProto(graph: Graph): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    input: graph.inputs.map(toValueProto),
    output: graph.outputs.map(toValueProto),
    valueInfo: graph.values.map(toValueProto),
    initializer: [...graph.initializers].map(([name, tensor]) => toTensorProto(tensor, name)),
    node: graph.nodes.map(({ name, op: written, inputs, outputs, attributes }) => {
      const op = ownOps[written] ?? written
      const dot = op.lastIndexOf('.')
      return create(NodeProtoSchema, {
        name,
        opType: op.slice(dot + 1),
        domain: op.slice(0, Math.max(0, dot)),
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([key, attribute]) => toAttributeProto(key, attribute)),
      })
    }),
  })
}

/** Operators of this package, which ONNX Runtime knows by another name. */
const ownOps: Readonly<Record<string, OpName>> = { 'qontrast.StopGradient': 'Identity' }

function toAttributeProto(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: Kind.INT, i: attribute.value })
    case 'float':
      return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: attribute.value })
    case 'string':
      return create(AttributeProtoSchema, { name, type: Kind.STRING, s: attribute.value })
    case 'ints':
      return create(AttributeProtoSchema, { name, type: Kind.INTS, ints: [...attribute.value] })
    case 'floats':
      return create(AttributeProtoSchema, { name, type: Kind.FLOATS, floats: [...attribute.value] })
    case 'strings':
      return create(AttributeProtoSchema, { name, type: Kind.STRINGS, strings: [...attribute.value] })
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: Kind.TENSOR, t: toTensorProto(attribute.value, '') })
    case 'graph':
      return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: toGraphProto(attribute.value) })
  }
}

function toTensorProto({ dtype, dims, bytes }: TensorValue, name: string): TensorProto {
  return create(TensorProtoSchema, { name, dataType: dtypes[dtype].code, dims: dims.map(BigInt), rawData: bytes })
}

function toValueProto({ name, type: known }: GraphValue) {
  if (!known) return create(ValueInfoProtoSchema, { name })
  const { dtype, dims } = known
  const shape = dims && create(TensorShapeProtoSchema, { dim: dims.map(toDimProto) })
  const tensorType = create(TypeProto_TensorSchema, { elemType: dtypes[dtype].code, ...(shape ? { shape } : {}) })
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } })
  return create(ValueInfoProtoSchema, { name, type })
}

function toDimProto(dim: Dim): TensorShapeProto_Dimension {
  return create(TensorShapeProto_DimensionSchema, {
    value: typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
  })
}
