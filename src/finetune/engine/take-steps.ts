import type { ConcreteDevice } from '../../runtime/index.ts'
import { combineSeeds, QontrastError } from '../../shared/index.ts'
import type { Batch } from '../data/batch.ts'
import type { RunSettings } from '../options.ts'
import { formOf } from './feeds.ts'
import { createHostWay } from './ways/host.ts'
import { createRepeatedWay, type RepeatedStep } from './ways/repeated.ts'
import { createResidentWay } from './ways/resident.ts'
import type { StepResult, WayOptions } from './ways/way.ts'

/** Steps between which a device without outputs of its own keeps the state. */
const stepsOfLoop = 8
const ways: Readonly<Record<ConcreteDevice, Way>> = {
  cpu: 'host',
  webgpu: 'resident',
  cuda: 'loop',
  dml: 'loop',
  coreml: 'loop',
}

/** Where steps are taken: `host` has the optimizer in this process, `resident` all state on the device, `loop` there for a stretch of steps. */
export type Way = 'host' | 'resident' | 'loop'

/** What suits the device: only WebGPU's binding gives outputs in the device's memory. */
export function wayOf(device: ConcreteDevice): Way {
  return ways[device]
}

export interface StepTakerOptions extends WayOptions {
  readonly settings: Pick<RunSettings, 'weightDecay' | 'clip' | 'seed' | 'learningRate'>
  /** Defaults to what suits the device. */
  readonly way?: Way
}

/** A step with all that it takes. */
export interface ReadyStep {
  /** Counted from 1. */
  readonly step: number
  readonly rate: number
  /** Of each follower: the share of itself that a shadow keeps. */
  readonly momenta: Readonly<Record<string, number>>
  /** Their gradients are averaged. */
  readonly batches: readonly Batch[]
}

/** Moves the weights by one step after the other, in the way that suits the device and the size of the batch. */
export interface StepTaker {
  /** How many steps it likes to be given at once. */
  readonly stride: number
  /** `training-diverged` where loss or gradient is no finite number. */
  take(steps: readonly ReadyStep[]): Promise<StepResult[]>
  /** Has all of the state in this process, wherever the last step left it. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** How many steps a way likes to be given at once. */
export function strideOf(way: Way): number {
  return way === 'loop' ? stepsOfLoop : 1
}

export function createStepTaker(options: StepTakerOptions): StepTaker {
  const { settings, device } = options
  const { way = wayOf(device) } = options
  const host = createHostWay(options)
  const resident = way === 'resident' ? createResidentWay(options) : undefined
  const loop = way === 'loop' ? createRepeatedWay(options) : undefined

  return {
    stride: strideOf(way),
    async take(steps) {
      const results = await takeAll(steps)
      return steps.map(({ step }, i) => {
        const { loss = Number.NaN, norm = Number.NaN, metrics = {} } = results[i] ?? {}
        if (Number.isFinite(loss) && Number.isFinite(norm)) return { loss, norm, metrics }
        throw new QontrastError(
          'training-diverged',
          `Step ${step}: the ${Number.isFinite(loss) ? 'gradient' : 'loss'} is no finite number any more. The checkpoints before it are kept. Begin again in another folder with a learning rate below ${settings.learningRate}, or look for broken inputs.`,
        )
      })
    },
    settle: async () => resident?.download(),
    async close() {
      await resident?.close()
      await loop?.close()
      await host.close()
    },
  }

  async function takeAll(steps: readonly ReadyStep[]): Promise<StepResult[]> {
    const whole = steps.flatMap((one) => onDevice(one) ?? [])
    if (loop && whole.length === steps.length && haveOneForm(whole)) return loop.steps(whole)
    const results: StepResult[] = []
    for (const one of steps) results.push(...(await takeOne(one)))
    return results
  }

  async function takeOne(ready: ReadyStep): Promise<readonly StepResult[]> {
    const whole = onDevice(ready)
    if (whole && loop) return loop.steps([whole])
    if (whole && resident) return [await resident.step(whole.batch, whole.settings)]
    await resident?.download()
    if (way !== 'host') host.forget()
    const { step, rate, momenta, batches } = ready
    const { weightDecay, clip } = settings
    const seeded = batches.map((batch, part) => ({ batch, seed: seedOf(step, part) }))
    return [await host.step(seeded, { rate, weightDecay, step, clip, momenta })]
  }

  /** What a device takes as one graph: a step of one batch that is not too large. */
  function onDevice({ step, rate, momenta, batches: [only, ...others] }: ReadyStep): RepeatedStep | undefined {
    if (!only?.atOnce || others.length > 0) return undefined
    const { weightDecay, clip } = settings
    return { batch: only, settings: { rate, weightDecay, step, clip, momenta, seed: seedOf(step, 0) } }
  }

  function seedOf(step: number, part: number): number {
    return combineSeeds(settings.seed, step, part)
  }
}

/** One graph takes them. */
function haveOneForm(steps: readonly RepeatedStep[]): boolean {
  return new Set(steps.map(({ batch }) => JSON.stringify(formOf(batch)))).size === 1
}
