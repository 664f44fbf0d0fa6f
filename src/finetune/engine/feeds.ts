import type { Processor } from '../../embed/index.ts'
import type { HostTensors } from '../../runtime/index.ts'
import type { Batch } from '../data/collate.ts'
import { int64 } from '../tensors.ts'
import { dropoutFeeds } from '../tower/dropout.ts'
import type { Tower } from '../tower/tower.ts'
import { rowInputs } from './graphs/append-loss.ts'
import { type Form, inGroup } from './graphs/forward.ts'

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

/** The tower or follower that each group of a batch goes through. */
export function passesOf({ groups, passes }: Batch): readonly string[] {
  return passes ?? groups.map(() => 'encoder')
}

/** Which graph takes a batch. */
export function formOf(batch: Batch): Form {
  const embeddings = Object.keys(batch.rows).map((name) => [name, batch.owners[name] ? name : 'examples'] as const)
  return { passes: passesOf(batch), embeddings: Object.fromEntries(embeddings) }
}

/** Where the rows of each of the loss's embeddings are among all of them, and which example each belongs to. */
export function rowFeeds({ examples, rows, owners }: Batch): HostTensors {
  const entries = Object.entries(rows).flatMap(([name, places]) => {
    const inputs = rowInputs(name)
    const own = owners[name] ?? Array.from({ length: examples }, (_, i) => i)
    return [[inputs.rows, int64(places)] as const, [inputs.examples, int64(own)] as const]
  })
  return Object.fromEntries(entries)
}
