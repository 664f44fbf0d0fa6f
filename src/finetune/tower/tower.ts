import type { Model, TensorValue, ValueName, ValueType } from '../../graph/index.ts'
import type { Parameter } from '../optimizer/parameter.ts'
import type { Dropout } from './dropout.ts'

/** A value that each step replaces without a gradient: the running statistics of batch norm. */
export interface TowerBuffer {
  readonly value: TensorValue
  /** The value of the graph that takes its place. */
  readonly next: ValueName
}

export interface WriteOptions {
  /** Longest text in tokens, where that is less than the model's own: whoever opens the folder cuts texts there. */
  readonly maximumTokens?: number
}

/** A differentiable module, an encoder or a head, made ready for training: from a file, or from scratch. */
export interface Tower {
  /** Its graph, in which parameters and buffers are inputs, and the operator sets it is written in. */
  readonly model: Model
  readonly types: ReadonlyMap<ValueName, ValueType>
  /** Names of the inputs that a processor feeds. */
  readonly inputs: readonly ValueName[]
  /** The one output: `[batch, dimensions]`, not yet of unit length. */
  readonly output: ValueName
  readonly dimensions: number
  readonly parameters: ReadonlyMap<ValueName, Parameter>
  readonly buffers: ReadonlyMap<ValueName, TowerBuffer>
  /** Whether an input's vector depends on the others of its batch, as with batch norm: no chunks then, and no groups. */
  readonly batchDependent: boolean
  readonly dropout: Dropout | undefined
  /** What the user should know about what is trained. */
  readonly notices: readonly string[]
  /** SHA-256 of everything that it begins as, as hex. */
  identity(): string
  /** Writes a folder that opens as a model, with these weights and buffers; where it came from a file, the same file with other numbers in it. */
  write(folder: string, values: ReadonlyMap<ValueName, Float32Array>, options?: WriteOptions): Promise<void>
}
