import type { Input } from '../input.ts'
import type { Processor } from '../processor.ts'
import { createBatcher } from './batcher.ts'
import type { Lane } from './encode.ts'
import { type InferencePool, type InferencePoolOptions, openInferencePool } from './open-pool.ts'

export interface LaneOptions<Item> extends Omit<InferencePoolOptions, 'sample'> {
  readonly processor: Processor<Item>
  /** Any input, which is run first; the processor's own sample unless given. */
  readonly sample?: Input
  /** What a batch costs at most, padding included. */
  readonly budget: number
}

export interface OpenLane extends Lane {
  readonly pool: InferencePool
  readonly costAtOnce: number
  close(): Promise<void>
}

/** Has a model run in child processes and gives the way to it, for inputs of one modality. */
export async function openLane<Item>({ processor, sample, budget, ...options }: LaneOptions<Item>): Promise<OpenLane> {
  const pool = await openInferencePool({
    ...options,
    sample: processor.collate(
      sample === undefined ? processor.sample({ batch: 1 }) : [await processor.prepare(sample, 'document')],
    ),
  })
  const batcher = createBatcher<Item>(
    {
      idle: () => pool.idle(),
      onIdle: (listener) => pool.onIdle(listener),
      run: async (items) => pool.run(processor.collate(items)),
    },
    { budget },
  )
  return {
    processor,
    batcher,
    pool,
    costAtOnce: budget * pool.size,
    close() {
      batcher.close()
      return pool.close()
    },
  }
}
