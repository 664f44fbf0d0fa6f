import type { Sizes, ValueName, ValueType } from '../graph/index.ts'
import type { HostTensors } from '../runtime/index.ts'
import type { JsonObject } from '../shared/index.ts'
import type { Purpose } from './encoder.ts'
import type { Input, Modality } from './input.ts'

/**
 * Raw inputs → what a graph is fed: the same code serves encoding and training. An item is an input made ready, and only its processor
 * looks into it. Items of one batch are padded to the largest of them: a batch costs as many times the largest cost as it has items.
 */
export interface Processor<Item = unknown> {
  readonly modality: Modality
  /** Every setting that changes a document's vector, as plain data: it goes into the fingerprint. */
  readonly facts: JsonObject
  /** What `collate` gives, by name. Dims that differ from batch to batch are symbols, and `batch` is the number of items. */
  readonly feeds: ReadonlyMap<ValueName, ValueType>
  prepare(input: Input, purpose: Purpose): Item | Promise<Item>
  /** What the model has to do for an item: tokens of a text, patches of a picture. Batches, queues and limits count it. */
  cost(item: Item): number
  /** Whether the model is given a part of the input only, as it reads no more. */
  isCut(item: Item): boolean
  collate(items: readonly Item[]): HostTensors
  /** Items that make a batch of these sizes, whatever is in them: types of a graph are learned from them. */
  sample(sizes: Sizes): readonly Item[]
}
