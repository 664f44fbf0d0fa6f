import type { HostTensors } from '../../runtime/index.ts'
import type { Batch, Group } from '../data/batch.ts'
import { int64 } from '../tensors.ts'
import { dropoutFeeds } from '../tower/dropout.ts'
import { passOf, type StepFacts } from './facts.ts'
import type { Form } from './graphs/forward.ts'
import { inGroup, rowInputs } from './graphs/names.ts'

export interface GroupOptions {
  readonly group: number
  readonly seed: number
}

/** The inputs of one group of items, under the group's names; its dropout follows from the seed. */
export function groupFeeds(
  facts: StepFacts,
  { pass, feeds, sizes }: Group,
  { group, seed }: GroupOptions,
): HostTensors {
  const { dropout } = passOf(facts, pass)
  const all = { ...feeds, ...(dropout ? dropoutFeeds(dropout, { sizes, seed }) : {}) }
  return Object.fromEntries(Object.entries(all).map(([name, tensor]) => [inGroup(group, name), tensor]))
}

/** Which graph takes a batch. */
export function formOf({ groups, rows, owners }: Batch): Form {
  const embeddings = Object.keys(rows).map((name) => [name, owners[name] ? name : 'examples'] as const)
  return { passes: groups.map(({ pass }) => pass), embeddings: Object.fromEntries(embeddings) }
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
