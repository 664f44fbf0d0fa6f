import type { ConcreteDevice } from '../../runtime/index.ts'
import { combineSeeds, QontrastError } from '../../shared/index.ts'
import { type Batch, type Cut, collate, cutBySize, cutInGroups } from '../data/collate.ts'
import type { Pair } from '../data/pairs.ts'
import { applyGradients, globalNorm } from '../optimizer/parameters.ts'
import type { RunSettings } from '../options.ts'
import type { DeviceStepperOptions } from './device-state.ts'
import { createDeviceStepper } from './device-step.ts'
import { addGradients, freeGradients } from './gradients.ts'
import { createLoopStepper, type LoopStep } from './loop-step.ts'
import { type GroupBytes, groupBytesOf } from './memory.ts'
import { createStepper, type StepResult } from './step.ts'

/** Texts of a step are padded in four groups of like length. */
const inGroups = cutInGroups(4)
/**
 * A step on the host that would hold more than this is taken in chunks, which hold the memory of one chunk and take about 1.35 times the time. For
 * all-MiniLM-L6-v2 these are 6,000 tokens in texts of 128, 4,500 in texts of 256 (`npm run bench:cache`).
 */
const mostBytesAtOnce = 2e9
/** The same for devices, whose memory is their own. */
const mostTokensOnDevice = 16_384
const tokensOfChunk = 1_536
const clipEpsilon = 1e-6
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

export interface StepTakerOptions extends DeviceStepperOptions {
  readonly settings: RunSettings
  /** Defaults to what suits the device: only WebGPU's binding gives outputs in the device's memory. */
  readonly way?: Way
}

export interface PlannedStep {
  /** Counted from 1. */
  readonly step: number
  readonly rate: number
  /** Batches whose gradients are averaged. */
  readonly parts: readonly (readonly Pair[])[]
}

export interface TakenStep {
  readonly loss: number
  /** Of all gradients together, before clipping. */
  readonly norm: number
  readonly cutTexts: number
}

/** Moves the weights by one step after the other, in the way that suits the device and the size of the batch. */
export interface StepTaker {
  /** How many steps it likes to be given at once. */
  readonly stride: number
  /** `training-diverged` where loss or gradient is no finite number. */
  take(steps: readonly PlannedStep[]): Promise<TakenStep[]>
  /** Has weights and optimizer state in the parameters' memory, wherever the last step left them. */
  settle(): Promise<void>
  close(): Promise<void>
}

interface Ready {
  readonly step: number
  readonly rate: number
  readonly batches: readonly { readonly batch: Batch; readonly atOnce: boolean }[]
}

type Result = Omit<TakenStep, 'cutTexts'>

export function createStepTaker(options: StepTakerOptions): StepTaker {
  const { tower, parameters, optimizer, settings, processor, device } = options
  const { way = ways[device] } = options
  const groupBytes = groupBytesOf(tower)
  const [sizeOf, most]: [GroupBytes, number] =
    way === 'host' ? [groupBytes, mostBytesAtOnce] : [(texts, tokens) => texts * tokens, mostTokensOnDevice]
  const stepper = createStepper(options)
  const resident = way === 'resident' ? createDeviceStepper(options) : undefined
  const loop = way === 'loop' ? createLoopStepper(options) : undefined

  return {
    stride: loop ? stepsOfLoop : 1,
    async take(steps) {
      const ready: Ready[] = []
      for (const { step, rate, parts } of steps) ready.push({ step, rate, batches: await toBatches(parts) })
      const results = await takeAll(ready)
      return ready.map(({ step, batches }, i) => {
        const { loss = Number.NaN, norm = Number.NaN } = results[i] ?? {}
        if (Number.isFinite(loss) && Number.isFinite(norm))
          return { loss, norm, cutTexts: batches.reduce((sum, { batch }) => sum + batch.cutTexts, 0) }
        throw new QontrastError(
          'training-diverged',
          `Step ${step}: the ${Number.isFinite(loss) ? 'gradient' : 'loss'} is no finite number any more. The checkpoints before it are kept. Begin again in another folder with a learning rate below ${settings.learningRate}, or look for broken texts.`,
        )
      })
    },
    settle: async () => resident?.download(),
    async close() {
      await resident?.close()
      await loop?.close()
      await stepper.close()
    },
  }

  async function takeAll(steps: readonly Ready[]): Promise<Result[]> {
    const whole = steps.flatMap((one) => onDevice(one) ?? [])
    if (loop && whole.length === steps.length && haveOneForm(whole)) return loop.steps(whole)
    const results: Result[] = []
    for (const one of steps) results.push(...(await takeOne(one)))
    return results
  }

  async function takeOne(ready: Ready): Promise<readonly Result[]> {
    const whole = onDevice(ready)
    if (whole && loop) return loop.steps([whole])
    if (whole && resident) return [await resident.step(whole.batch, whole.settings)]
    await resident?.download()
    return [await takeOnHost(ready)]
  }

  /** What a device takes as one graph: a step of one batch that is not too large. */
  function onDevice({ step, rate, batches: [only, ...others] }: Ready): LoopStep | undefined {
    if (!only?.atOnce || others.length > 0) return undefined
    const { weightDecay: decay, clip } = settings
    return { batch: only.batch, settings: { rate, decay, step, clip, seed: seedOf(step, 0) } }
  }

  async function takeOnHost({ step, rate, batches }: Ready): Promise<Result> {
    const gradients: StepResult['gradients'] = new Map()
    let total = 0
    for (const [part, { batch, atOnce }] of batches.entries()) {
      const seed = seedOf(step, part)
      const result = atOnce ? await stepper.oneShot(batch, seed) : await stepper.chunked(batch, seed)
      addGradients(gradients, result.gradients)
      total += result.loss
    }
    const loss = total / batches.length
    const norm = globalNorm(gradients) / batches.length
    const clipping = settings.clip > 0 ? Math.min(1, settings.clip / (norm + clipEpsilon)) : 1
    if (Number.isFinite(loss) && Number.isFinite(norm)) {
      const update = { rate, decay: settings.weightDecay, step, scale: clipping / batches.length }
      applyGradients(parameters, gradients, optimizer, update)
    }
    freeGradients(gradients)
    return { loss, norm }
  }

  function seedOf(step: number, part: number): number {
    return combineSeeds(settings.seed, step, part)
  }

  async function toBatches(parts: PlannedStep['parts']): Promise<Ready['batches']> {
    const batches: Awaited<ReturnType<typeof toBatch>>[] = []
    for (const pairs of parts) batches.push(await toBatch(pairs))
    return batches
  }

  /** Groups for one graph, or, where the batch is too large for it, chunks. */
  async function toBatch(pairs: readonly Pair[]): Promise<{ readonly batch: Batch; readonly atOnce: boolean }> {
    let atOnce = false
    const batch = await collate(pairs, processor, (lengths) => {
      const stretches = stretchesAtOnce(lengths)
      atOnce = stretches !== undefined
      const texts = settings.cacheChunk ?? Number.POSITIVE_INFINITY
      return stretches ?? cutBySize({ texts, tokens: tokensOfChunk })(lengths)
    })
    return { batch, atOnce }
  }

  function stretchesAtOnce(lengths: readonly number[]): ReturnType<Cut> | undefined {
    if (settings.cacheChunk !== null) return lengths.length <= settings.cacheChunk ? inGroups(lengths) : undefined
    const withoutPadding = lengths.reduce((sum, length) => sum + sizeOf(1, length), 0)
    if (withoutPadding > most) return undefined // spares the search for the best groups
    const stretches = inGroups(lengths)
    const size = stretches.reduce((sum, [from, to]) => sum + sizeOf(to - from, lengths[to - 1] ?? 0), 0)
    return size <= most ? stretches : undefined
  }
}

/** One graph takes them: as many groups of texts, and all with negatives or none. */
function haveOneForm(steps: readonly LoopStep[]): boolean {
  return new Set(steps.map(({ batch }) => `${batch.groups.length} ${batch.negatives.length > 0}`)).size === 1
}
