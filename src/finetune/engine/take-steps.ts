import type { ConcreteDevice } from '../../runtime/index.ts'
import { combineSeeds, QontrastError } from '../../shared/index.ts'
import { type Batch, type Cut, collate, cutBySize, cutInGroups } from '../data/collate.ts'
import type { Pair } from '../data/pairs.ts'
import type { RunSettings } from '../options.ts'
import { formOf } from './feeds.ts'
import { type GroupBytes, groupBytesOf } from './memory.ts'
import { partOf } from './recipe.ts'
import { createHostWay } from './ways/host.ts'
import { createRepeatedWay, type RepeatedStep } from './ways/repeated.ts'
import { createResidentWay } from './ways/resident.ts'
import type { StepResult, WayOptions } from './ways/way.ts'

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

export interface StepTakerOptions extends WayOptions {
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

export interface TakenStep extends StepResult {
  readonly cutTexts: number
}

/** Moves the weights by one step after the other, in the way that suits the device and the size of the batch. */
export interface StepTaker {
  /** How many steps it likes to be given at once. */
  readonly stride: number
  /** `training-diverged` where loss or gradient is no finite number. */
  take(steps: readonly PlannedStep[]): Promise<TakenStep[]>
  /** Has all of the state in this process, wherever the last step left it. */
  settle(): Promise<void>
  close(): Promise<void>
}

interface Ready {
  readonly step: number
  readonly rate: number
  readonly batches: readonly { readonly batch: Batch; readonly atOnce: boolean }[]
}

export function createStepTaker(options: StepTakerOptions): StepTaker {
  const { settings, device } = options
  const { way = ways[device] } = options
  const toBatch = createBatcher(options, way)
  const host = createHostWay(options)
  const resident = way === 'resident' ? createResidentWay(options) : undefined
  const loop = way === 'loop' ? createRepeatedWay(options) : undefined

  return {
    stride: loop ? stepsOfLoop : 1,
    async take(steps) {
      const ready: Ready[] = []
      for (const { step, rate, parts } of steps) {
        const batches: ReadyBatch[] = []
        for (const pairs of parts) batches.push(await toBatch(pairs))
        ready.push({ step, rate, batches })
      }
      const results = await takeAll(ready)
      return ready.map(({ step, batches }, i) => {
        const { loss = Number.NaN, norm = Number.NaN, metrics = {} } = results[i] ?? {}
        if (Number.isFinite(loss) && Number.isFinite(norm))
          return { loss, norm, metrics, cutTexts: batches.reduce((sum, { batch }) => sum + batch.cutTexts, 0) }
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
      await host.close()
    },
  }

  async function takeAll(steps: readonly Ready[]): Promise<StepResult[]> {
    const whole = steps.flatMap((one) => onDevice(one) ?? [])
    if (loop && whole.length === steps.length && haveOneForm(whole)) return loop.steps(whole)
    const results: StepResult[] = []
    for (const one of steps) results.push(...(await takeOne(one)))
    return results
  }

  async function takeOne(ready: Ready): Promise<readonly StepResult[]> {
    const whole = onDevice(ready)
    if (whole && loop) return loop.steps([whole])
    if (whole && resident) return [await resident.step(whole.batch, whole.settings)]
    await resident?.download()
    if (way !== 'host') host.forget()
    const { step, rate, batches } = ready
    const { weightDecay, clip } = settings
    const seeded = batches.map((one, part) => ({ ...one, seed: seedOf(step, part) }))
    return [await host.step(seeded, { rate, weightDecay, step, clip })]
  }

  /** What a device takes as one graph: a step of one batch that is not too large. */
  function onDevice({ step, rate, batches: [only, ...others] }: Ready): RepeatedStep | undefined {
    if (!only?.atOnce || others.length > 0) return undefined
    const { weightDecay, clip } = settings
    return { batch: only.batch, settings: { rate, weightDecay, step, clip, seed: seedOf(step, 0) } }
  }

  function seedOf(step: number, part: number): number {
    return combineSeeds(settings.seed, step, part)
  }
}

/** One graph takes them. */
function haveOneForm(steps: readonly RepeatedStep[]): boolean {
  return new Set(steps.map(({ batch }) => JSON.stringify(formOf(batch)))).size === 1
}

type ReadyBatch = Ready['batches'][number]

/** Puts pairs into groups for one graph, or, where the batch is too large for it, into chunks. */
function createBatcher(
  { recipe, settings, processor }: StepTakerOptions,
  way: Way,
): (pairs: readonly Pair[]) => Promise<ReadyBatch> {
  const groupBytes = groupBytesOf(partOf(recipe, 'encoder').tower)
  const [sizeOf, most]: [GroupBytes, number] =
    way === 'host' ? [groupBytes, mostBytesAtOnce] : [(texts, tokens) => texts * tokens, mostTokensOnDevice]
  const dependsOnBatch = Object.values(recipe.towers).some(
    ({ buffers, batchDependent }) => batchDependent || buffers.size > 0,
  )
  return toBatch

  async function toBatch(pairs: readonly Pair[]): Promise<ReadyBatch> {
    if (dependsOnBatch) return { batch: await collate(pairs, processor, cutInGroups(1)), atOnce: true }
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
