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
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type TensorShapeProto_Dimension,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf'
import { dtypeCodes } from './dtype-codes.ts'
import type { OpName } from './ops.ts'
import type { TensorValue } from './tensor.ts'
import type { Attribute, Dim, Graph, GraphValue, Model, ValueName } from './types.ts'

/** The bytes of an ONNX file. */
export function serializeModel(model: Model): Uint8Array<ArrayBuffer> {
  return toBytes(model)
}

/** What a file of weights beside the ONNX file holds, one after the other: `padding` zeros, then `bytes`. */
export interface ExternalPart {
  readonly padding: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface SerializeOptions {
  /** Name of the file for weights, relative to the ONNX file. */
  readonly location: string
  /** Bytes of weights from which on they lie beside the ONNX file, which protobuf cannot make larger than 2 GiB. */
  readonly mostInside?: number
}

const mostInsideProtobuf = 2 ** 31 - 2 ** 24
/** Weights begin where a page of memory does, so that whoever opens the file may map it. */
const page = 4096
/** Smaller ones stay inside: shapes are folded by them. */
const leastOutside = 1024

/** The bytes of an ONNX file, and where it would be too large, what lies in a file beside it (external data). */
export function serializeWithData(
  model: Model,
  { location, mostInside = mostInsideProtobuf }: SerializeOptions,
): { readonly file: Uint8Array<ArrayBuffer>; readonly data: readonly ExternalPart[] } {
  const weights = [...model.graph.initializers]
  const total = weights.reduce((sum, [, { bytes }]) => sum + bytes.byteLength, 0)
  if (total <= mostInside) return { file: toBytes(model), data: [] }
  const data: ExternalPart[] = []
  const places = new Map<ValueName, ExternalPlace>()
  let end = 0
  for (const [name, { bytes }] of weights) {
    if (bytes.byteLength < leastOutside) continue
    const padding = (page - (end % page)) % page
    data.push({ padding, bytes })
    places.set(name, { location, offset: end + padding, length: bytes.byteLength })
    end += padding + bytes.byteLength
  }
  return { file: toBytes(model, places), data }
}

interface ExternalPlace {
  readonly location: string
  readonly offset: number
  readonly length: number
}

type Places = ReadonlyMap<ValueName, ExternalPlace>

function toBytes({ graph, irVersion, opsets, functions }: Model, places?: Places): Uint8Array<ArrayBuffer> {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      producerName: 'qontrast',
      opsetImport: [...opsets].map(([domain, version]) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
      ),
      functions: functions.map((bytes) => fromBinary(FunctionProtoSchema, bytes)),
      graph: toGraphProto(graph, places),
    }),
  )
}

function toGraphProto(graph: Graph, places?: Places): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    input: graph.inputs.map(toValueProto),
    output: graph.outputs.map(toValueProto),
    valueInfo: graph.values.map(toValueProto),
    initializer: [...graph.initializers].map(([name, tensor]) => {
      const place = places?.get(name)
      return place ? toPlaceProto(tensor, { name, ...place }) : toTensorProto(tensor, name)
    }),
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
  return create(TensorProtoSchema, { name, dataType: dtypeCodes[dtype], dims: dims.map(BigInt), rawData: bytes })
}

function toPlaceProto({ dtype, dims }: TensorValue, { name, ...place }: ExternalPlace & { readonly name: ValueName }) {
  return create(TensorProtoSchema, {
    name,
    dataType: dtypeCodes[dtype],
    dims: dims.map(BigInt),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(place).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: `${value}` }),
    ),
  })
}

function toValueProto({ name, type: known }: GraphValue) {
  if (!known) return create(ValueInfoProtoSchema, { name })
  const { dtype, dims } = known
  const shape = dims && create(TensorShapeProtoSchema, { dim: dims.map(toDimProto) })
  const tensorType = create(TypeProto_TensorSchema, { elemType: dtypeCodes[dtype], ...(shape ? { shape } : {}) })
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } })
  return create(ValueInfoProtoSchema, { name, type })
}

function toDimProto(dim: Dim): TensorShapeProto_Dimension {
  return create(TensorShapeProto_DimensionSchema, {
    value: typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
  })
}
