import type { Batch } from '../../data/batch.ts'
import { takeValues } from '../state.ts'
import { createBatchGradients } from './batch-gradients.ts'
import { addGradients, freeGradients, type Gradients, globalNorm } from './gradients.ts'
import { clippingOf, createHostUpdate } from './host-update.ts'
import type { StepResult, StepSettings, WayOptions } from './way.ts'

/** A batch of a step, and its dropout's seed. */
export interface HostBatch {
  readonly batch: Batch
  readonly seed: number
}

/** Steps whose gradients come to this process, where the optimizer moves the weights. */
export interface HostWay {
  /** One step over the mean of its batches' gradients; buffers and the loss's state go from batch to batch. */
  step(batches: readonly HostBatch[], settings: Omit<StepSettings, 'seed'>): Promise<StepResult>
  /** The state was moved elsewhere. */
  forget(): void
  close(): Promise<void>
}

export function createHostWay(options: WayOptions): HostWay {
  const { facts, state } = options
  const source = createBatchGradients(options)
  const update = createHostUpdate(facts, state)
  return {
    async step(batches, { rate, weightDecay, step, clip, momenta }) {
      const count = batches.length
      const gradients: Gradients = new Map()
      const metrics: Record<string, number> = {}
      let total = 0
      for (const { batch, seed } of batches) {
        const result = await (batch.atOnce ? source.atOnce(batch, seed) : source.inChunks(batch, seed))
        addGradients(gradients, result.gradients)
        total += result.loss
        for (const [name, value] of Object.entries(result.metrics)) metrics[name] = (metrics[name] ?? 0) + value / count
        if (Number.isFinite(result.loss)) takeValues(state, (name) => result.next.get(name))
      }
      const loss = total / count
      const norm = globalNorm(gradients) / count
      if (Number.isFinite(loss) && Number.isFinite(norm)) {
        update.apply(gradients, { rate, weightDecay, step, scale: clippingOf(norm, clip) / count, momenta })
        state.step = step
      }
      freeGradients(gradients)
      return { loss, norm, metrics }
    },
    forget: () => update.forget(),
    close: () => source.close(),
  }
}
