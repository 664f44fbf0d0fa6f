import type { TrainingData } from '../data/examples.ts'
import { rateAt } from '../optimizer/schedule.ts'
import type { TrainSettings } from './train-options.ts'

/** A step as it is planned. */
export interface Planned {
  /** Counted from 1. */
  readonly step: number
  readonly rate: number
  /** Positions of the examples of each batch; the batches' gradients are averaged. */
  readonly parts: readonly (readonly number[])[]
  readonly epoch: number
  readonly epochEnds: boolean
}

/** What a run is going to do, known before its first step. */
export interface Plan {
  readonly steps: number
  readonly fewSteps: boolean
  /** Examples that at least one step takes. */
  readonly used: number
  /** The batches of all epochs, and how many examples they have. */
  readonly batches: { readonly count: number; readonly smallest: number; readonly largest: number }
  /** The steps after one of them. */
  after(step: number): Generator<Planned, void, undefined>
}

/** Fewer steps than this hardly move the weights: AdamW moves each by about the learning rate a step. */
const enoughSteps = 10

/** Deals the examples into the batches of all epochs, once; several batches are one step where gradients are accumulated. */
export function planRun(data: Pick<TrainingData, 'batches'>, settings: TrainSettings): Plan {
  const { epochs, accumulate, learningRate, warmup, schedule } = settings
  const dealt = Array.from({ length: epochs }, (_, epoch) =>
    data.batches(epoch).map((batch) => Uint32Array.from(batch)),
  )
  const used = new Set<number>()
  const sizes = dealt.flat().map((batch) => {
    for (const position of batch) used.add(position)
    return batch.length
  })
  const stepsOf = (batches: readonly unknown[]) => Math.ceil(batches.length / accumulate)
  const steps = dealt.reduce((sum, batches) => sum + stepsOf(batches), 0)

  function* after(done: number): Generator<Planned, void, undefined> {
    let step = 0
    for (const [epoch, batches] of dealt.entries()) {
      const last = step + stepsOf(batches)
      for (let first = 0; first < batches.length; first += accumulate) {
        step += 1
        if (step <= done) continue
        const parts = batches.slice(first, first + accumulate).map((batch) => [...batch])
        const rate = rateAt(step, { rate: learningRate, steps, warmup, schedule })
        yield { step, rate, parts, epoch, epochEnds: step === last }
      }
    }
  }

  const [smallest, largest] = sizes.reduce(
    ([least, most], size) => [Math.min(least, size), Math.max(most, size)],
    [sizes[0] ?? 0, 0],
  )
  const batches = { count: sizes.length, smallest, largest }
  return { steps, fewSteps: steps < enoughSteps, used: used.size, batches, after }
}
