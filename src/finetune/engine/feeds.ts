import { inputValues, padded, type TokenBatch, type TransformerFiles } from '../../embed/index.ts'
import type { HostTensor, HostTensors } from '../../runtime/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Parameter } from '../optimizer/parameters.ts'
import { dropoutFeeds } from './dropout.ts'
import { poolingInputs, poolingValues } from './pooling.ts'
import { inGroup } from './step-graph.ts'
import { int64 } from './tensors.ts'
import type { Tower } from './tower.ts'

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

/** Where each pair's texts are among the embeddings. */
export function rowFeeds({ anchors, positives, negatives }: Batch): HostTensors {
  return {
    anchor_rows: int64(anchors),
    positive_rows: int64(positives),
    ...(negatives.length > 0 ? { negative_rows: int64(negatives) } : {}),
  }
}
