import type { DType, TensorValue } from './tensor.ts'

/** A value is named by the node, input or initializer that gives it; `''` stands for an input that is left out. */
export type ValueName = string

/**
 * A number, a symbol, or what is made of them by the functions of dims.ts: `12*batch`, `anchors + positives`, `floor(width / 2) + 1`. Equal dims are
 * equal texts. Whoever makes a graph's inputs chooses the symbols; a name says nothing.
 */
export type Dim = number | string
export type Dims = readonly Dim[]

export interface ValueType {
  readonly dtype: DType
  /** Undefined where not even the rank is known. */
  readonly dims: Dims | undefined
}

export type Attribute =
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'tensor'; readonly value: TensorValue }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly Uint8Array<ArrayBuffer>[] }

export interface GraphNode {
  readonly name: string
  /** With its domain in front where that is not ONNX's own: `com.microsoft.Gelu`. */
  readonly op: string
  readonly inputs: readonly ValueName[]
  readonly outputs: readonly ValueName[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

export interface GraphValue {
  readonly name: ValueName
  /** Left out for outputs whose type is to be worked out by whoever runs the graph. */
  readonly type: ValueType | undefined
}

/** A graph is data and never changes: rewrites give a new one. Nodes are in an order in which they can be run. */
export interface Graph {
  readonly name: string
  readonly inputs: readonly GraphValue[]
  readonly outputs: readonly GraphValue[]
  readonly initializers: ReadonlyMap<ValueName, TensorValue>
  readonly nodes: readonly GraphNode[]
  /** Types of inner values, as far as the file says: ONNX Runtime fuses by them. */
  readonly values: readonly GraphValue[]
}

/** A graph with the operator sets it is written in. */
export interface Model {
  readonly graph: Graph
  readonly irVersion: number
  /** Version of each domain; ONNX's own is `''`. */
  readonly opsets: ReadonlyMap<string, number>
  /** Functions of the file, as they stand in it. */
  readonly functions: readonly Uint8Array<ArrayBuffer>[]
}
