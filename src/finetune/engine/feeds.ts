import type { Processor } from '../../embed/index.ts'
import type { HostTensor, HostTensors } from '../../runtime/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Parameter } from '../optimizer/parameters.ts'
import { dropoutFeeds } from '../tower/dropout.ts'
import type { Tower } from '../tower/tower.ts'
import { inGroup } from './step-graph.ts'
import { int64 } from './tensors.ts'

/** Weights as inputs: views of the memory that the optimizer changes. */
export function parameterFeeds(parameters: ReadonlyMap<string, Parameter>): HostTensors {
  return Object.fromEntries(
    [...parameters].map(([name, { dims, weights }]): [string, HostTensor] => [
      name,
      { dtype: 'float32', dims, data: weights },
    ]),
  )
}

export interface GroupOptions {
  readonly group: number
  readonly seed: number
}

/** The inputs of one group of items, under the group's names; its dropout follows from the seed. */
export function groupFeeds(
  { dropout }: Tower,
  processor: Processor,
  { group, seed }: GroupOptions,
  items: readonly unknown[],
): HostTensors {
  const fed = processor.collate(items)
  const sequence = items.reduce<number>((most, item) => Math.max(most, processor.cost(item)), 0)
  const dropped = dropout ? dropoutFeeds(dropout, { batch: items.length, sequence, seed }) : {}
  return Object.fromEntries(
    Object.entries({ ...fed, ...dropped }).map(([name, tensor]) => [inGroup(group, name), tensor]),
  )
}

/** Where each pair's texts are among the embeddings. */
export function rowFeeds({ anchors, positives, negatives }: Batch): HostTensors {
  return {
    anchor_rows: int64(anchors),
    positive_rows: int64(positives),
    ...(negatives.length > 0 ? { negative_rows: int64(negatives) } : {}),
  }
}
