import { inputValues, padded, type TokenBatch, type TransformerFiles } from '../../embed/index.ts'
import type { HostTensor, HostTensors } from '../../runtime/index.ts'
import type { Batch } from '../data/collate.ts'
import { dropoutFeeds } from './dropout.ts'
import { rowInputs } from './graphs/append-loss.ts'
import { type Form, inGroup } from './graphs/forward.ts'
import { poolingInputs, poolingValues } from './pooling.ts'
import { int64 } from './tensors.ts'
import type { Tower } from './tower.ts'

export interface GroupOptions {
  readonly group: number
  readonly seed: number
}

/** The inputs of one group of texts, under the group's names; its dropout follows from the seed. */
export function groupFeeds(
  tower: Tower,
  { tokenizer, plan }: TransformerFiles,
  { group, seed }: GroupOptions,
  batch: TokenBatch,
): HostTensors {
  const layout = padded(batch, tokenizer)
  const { sequence } = layout
  const texts = batch.lengths.length
  const dims = [texts, sequence]
  const tokens = tower.inputs.map((name): [string, HostTensor] => {
    const values = inputValues[name]?.(layout) ?? new Int32Array()
    const type = tower.types.get(name)?.dtype
    const tensor: HostTensor = type === 'int32' ? { dtype: 'int32', dims, data: values } : { ...int64(values), dims }
    return [name, tensor]
  })
  const pooling = (plan.pooling ?? []).map((mode): [string, HostTensor] => {
    const shape = mode === 'max' ? [texts, sequence, 1] : [texts, 1, sequence]
    return [poolingInputs[mode], { dtype: 'float32', dims: shape, data: poolingValues(mode, batch, layout) }]
  })
  const dropout = tower.dropout ? dropoutFeeds(tower.dropout, { batch: texts, sequence, seed }) : {}
  const feeds = [...tokens, ...pooling, ...Object.entries(dropout)]
  return Object.fromEntries(feeds.map(([name, tensor]) => [inGroup(group, name), tensor]))
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
