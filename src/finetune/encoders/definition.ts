import type { GraphBuilder, ValueName, ValueType } from '../../graph/index.ts'
import type { Role } from '../optimizer/parameter.ts'
import type { Initializer } from './initialize.ts'

/** Where a model is written down. It is written several times, for training and for the file, and each time asks for the same weights. */
export interface Writing {
  readonly g: GraphBuilder
  /** False in the graph that becomes a file: nothing is dropped there, and batch norm takes its running statistics. */
  readonly training: boolean
  /** A weight by its name, of these dims: what it begins with, and what it is for. */
  weight(name: ValueName, dims: readonly number[], begin: Beginning): ValueName
  /** Numbers by their name that training keeps without a gradient: the running statistics of batch norm. */
  buffer(name: ValueName, dims: readonly number[], options: BufferOptions): ValueName
  /** What replaces a buffer after a step of training. */
  renew(buffer: ValueName, next: ValueName): void
  /** The value, of which training drops a part out. */
  drop(value: ValueName): ValueName
}

export interface Beginning {
  readonly begin: Initializer
  readonly role: Role
}

export interface BufferOptions {
  readonly begin: Initializer
}

/** A model as it is written down, whatever its weights are. */
export interface Definition {
  readonly inputs: ReadonlyMap<ValueName, ValueType>
  /** Name of the output in the file. */
  readonly output: ValueName
  /** Adds the model's nodes and gives its output. */
  write(writing: Writing, inputs: Readonly<Record<ValueName, ValueName>>): ValueName
}
