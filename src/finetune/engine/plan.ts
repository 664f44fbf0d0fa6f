import type { Pair } from '../data/pairs.ts'
import type { Sampler } from '../data/sampler.ts'
import { rateAt } from '../optimizer/schedule.ts'
import type { RunSettings } from '../options.ts'
import type { PlannedStep } from './take-steps.ts'

export interface Planned extends PlannedStep {
  readonly epoch: number
  readonly epochEnds: boolean
}

/** What a run is going to do, known before its first step. */
export interface Plan {
  readonly steps: number
  readonly fewSteps: boolean
  /** Pairs that at least one step takes. */
  readonly used: number
  /** The batches of all epochs, and how many pairs they have. */
  readonly batches: { readonly count: number; readonly smallest: number; readonly largest: number }
  /** The steps after one of them. */
  after(step: number): Generator<Planned, void, undefined>
}

/** Fewer steps than this hardly move the weights: AdamW moves each by about the learning rate a step. */
const enoughSteps = 10

/** Deals the pairs into the batches of all epochs; several batches are one step where gradients are accumulated. */
export function planRun(pairs: readonly Pair[], sampler: Sampler, settings: RunSettings): Plan {
  const { epochs, accumulate, learningRate, warmup, schedule } = settings
  const used = new Set<number>()
  const counts: number[] = []
  let [smallest, largest] = [Number.POSITIVE_INFINITY, 0]
  for (let epoch = 0; epoch < epochs; epoch++) {
    const batches = sampler.batches(epoch)
    counts.push(batches.length)
    for (const batch of batches) {
      smallest = Math.min(smallest, batch.length)
      largest = Math.max(largest, batch.length)
      for (const position of batch) used.add(position)
    }
  }
  const steps = counts.reduce((sum, count) => sum + Math.ceil(count / accumulate), 0)

  function* after(done: number): Generator<Planned, void, undefined> {
    let step = 0
    for (const [epoch, count] of counts.entries()) {
      const last = step + Math.ceil(count / accumulate)
      if (last > done) {
        const batches = sampler.batches(epoch).map((positions) => positions.flatMap((at) => pairs[at] ?? []))
        for (let first = 0; first < batches.length; first += accumulate) {
          step += 1
          if (step <= done) continue
          const parts = batches.slice(first, first + accumulate)
          const rate = rateAt(step, { rate: learningRate, steps, warmup, schedule })
          yield { step, rate, parts, epoch, epochEnds: step === last }
        }
      }
      step = last
    }
  }

  const count = counts.reduce((sum, one) => sum + one, 0)
  const batches = { count, smallest: count === 0 ? 0 : smallest, largest }
  return { steps, fewSteps: steps < enoughSteps, used: used.size, batches, after }
}
