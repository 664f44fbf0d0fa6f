import type { DType, TensorValue } from '../tensor.ts'
import type { Dim, Dims, GraphNode } from '../types.ts'

/** What a row of the op table may look at to say the types of a node's outputs. It is asked only where the types of all inputs are known. */
export interface InferContext {
  /** Its attributes are read with `intOf`, `intsOf`, `floatOf` and `stringOf`. */
  readonly node: GraphNode
  /** Whether an input is given at all. */
  has(index: number): boolean
  dtype(index: number): DType
  /** Numbers, symbols, and what is made of them by `sumOf`, `productOf`, `floorQuotientOf` … (dims.ts). */
  dims(index: number): Dims
  /** The whole numbers that an input holds, where they are known before the graph runs: a constant's, or such as Shape gives. */
  ints(index: number): Dims | undefined
  /** An input that is a constant. */
  tensor(index: number): TensorValue | undefined
  /** For types of inputs that do not go together: names the node, its inputs' types and the reason. */
  fail(reason: string): never
}

export interface Inferred {
  readonly dtype: DType
  /** Undefined as a whole where not even the rank is known; a dim that is known only when the graph runs is undefined by itself. */
  readonly dims: readonly (Dim | undefined)[] | undefined
  /** The whole numbers that it holds, where they are known: shapes are computed with them. */
  readonly ints?: Dims | undefined
}

/** One type an output, in their order; outputs for which there is none are not known. */
export type Infer = (context: InferContext) => readonly Inferred[]
