import { inputValues, padded, type TokenBatch, type TransformerFiles } from '../../embed/index.ts'
import type { HostTensor, HostTensors } from '../../runtime/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Parameter } from '../optimizer/parameters.ts'
import { poolingInputs, poolingValues } from './pooling.ts'
import { inGroup } from './step-graph.ts'
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

/** The inputs of one group of texts, under the group's names. */
export function groupFeeds(
  tower: Tower,
  { tokenizer, settings }: TransformerFiles,
  group: number,
  batch: TokenBatch,
): HostTensors {
  const layout = padded(batch, tokenizer)
  const dims = [batch.lengths.length, layout.sequence]
  const texts = tower.inputs.map((name): [string, HostTensor] => {
    const values = inputValues[name]?.(layout) ?? new Int32Array()
    const type = tower.types.get(name)?.dtype
    const tensor: HostTensor =
      type === 'int32'
        ? { dtype: 'int32', dims, data: values }
        : { dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
    return [inGroup(group, name), tensor]
  })
  const pooling = settings.pooling.map((mode): [string, HostTensor] => {
    const [texts = 0, sequence = 0] = dims
    const shape = mode === 'max' ? [texts, sequence, 1] : [texts, 1, sequence]
    return [
      inGroup(group, poolingInputs[mode]),
      { dtype: 'float32', dims: shape, data: poolingValues(mode, batch, layout) },
    ]
  })
  return Object.fromEntries([...texts, ...pooling])
}

/** Where each pair's texts are among the embeddings. */
export function rowFeeds({ anchors, positives, negatives }: Batch): HostTensors {
  const rows = (values: readonly number[]): HostTensor => ({
    dtype: 'int64',
    dims: [values.length],
    data: BigInt64Array.from(values, BigInt),
  })
  return {
    anchor_rows: rows(anchors),
    positive_rows: rows(positives),
    ...(negatives.length > 0 ? { negative_rows: rows(negatives) } : {}),
  }
}
