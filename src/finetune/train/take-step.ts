import { deviceCandidates } from '../../runtime/index.ts'
import { combineSeeds, QontrastError } from '../../shared/index.ts'
import { type Batch, type Cut, collate, cutBySize, cutInGroups, type Tokenize } from '../data/collate.ts'
import type { Pair } from '../data/pairs.ts'
import { applyGradients, globalNorm } from '../optimizer/parameters.ts'
import type { RunSettings } from '../options.ts'
import { createDeviceStepper, type DeviceStepperOptions } from './device-step.ts'
import { addGradients, freeGradients } from './gradients.ts'
import { createStepper, type StepResult } from './step.ts'

/** Texts of a step are padded in four groups of like length. */
const inGroups = cutInGroups(4)
/** A step of more tokens than this is taken in chunks, which hold the memory of the chunk only. */
const mostTokensAtOnce = 16_384
const tokensOfChunk = 1_536
const clipEpsilon = 1e-6

export interface StepTakerOptions extends DeviceStepperOptions {
  readonly settings: RunSettings
  readonly tokenize: Tokenize
}

export interface TakenStep {
  readonly loss: number
  /** Of all gradients together, before clipping. */
  readonly norm: number
  readonly cutTexts: number
}

/** Moves the weights by one step after the other, in the way that suits the device and the size of the batch. */
export interface StepTaker {
  /** `parts`: batches whose gradients are averaged. `training-diverged` where loss or gradient is no finite number. */
  take(parts: readonly (readonly Pair[])[], at: { readonly step: number; readonly rate: number }): Promise<TakenStep>
  /** Has weights and optimizer state in the parameters' memory, wherever the last step left them. */
  settle(): Promise<void>
  close(): Promise<void>
}

export function createStepTaker(options: StepTakerOptions): StepTaker {
  const { parameters, optimizer, settings, tokenize, device } = options
  const stepper = createStepper(options)
  const onDevice = deviceCandidates(device)[0] === 'cpu' ? undefined : createDeviceStepper(options)

  return {
    async take(parts, { step, rate }) {
      const batches = parts.map(toBatch)
      const [only, ...others] = batches
      const taken =
        onDevice && only?.atOnce && others.length === 0 ? await takeOnDevice(only.batch) : await takeOnHost()
      if (Number.isFinite(taken.loss) && Number.isFinite(taken.norm)) return taken
      throw new QontrastError(
        'training-diverged',
        `Step ${step}: the ${Number.isFinite(taken.loss) ? 'gradient' : 'loss'} is no finite number any more. The checkpoints before it are kept. Lower the learning rate (${settings.learningRate}), or look for broken texts.`,
      )

      async function takeOnDevice(whole: Batch): Promise<TakenStep> {
        const { weightDecay: decay, clip } = settings
        const result = await onDevice?.step(whole, { rate, decay, step, clip, seed: seedOf(step, 0) })
        return { loss: result?.loss ?? Number.NaN, norm: result?.norm ?? Number.NaN, cutTexts: whole.cutTexts }
      }

      async function takeOnHost(): Promise<TakenStep> {
        await onDevice?.download()
        const gradients: StepResult['gradients'] = new Map()
        let total = 0
        let cutTexts = 0
        for (const [part, { batch, atOnce }] of batches.entries()) {
          const seed = seedOf(step, part)
          const result = atOnce ? await stepper.oneShot(batch, seed) : await stepper.chunked(batch, seed)
          addGradients(gradients, result.gradients)
          total += result.loss
          cutTexts += batch.cutTexts
        }
        const loss = total / parts.length
        const norm = globalNorm(gradients) / parts.length
        const clipping = settings.clip > 0 ? Math.min(1, settings.clip / (norm + clipEpsilon)) : 1
        if (Number.isFinite(loss) && Number.isFinite(norm)) {
          const update = { rate, decay: settings.weightDecay, step, scale: clipping / parts.length }
          applyGradients(parameters, gradients, optimizer, update)
        }
        freeGradients(gradients)
        return { loss, norm, cutTexts }
      }
    },
    settle: async () => onDevice?.download(),
    async close() {
      await onDevice?.close()
      await stepper.close()
    },
  }

  function seedOf(step: number, part: number): number {
    return combineSeeds(settings.seed, step, part)
  }

  /** Groups for one graph, or, where the batch is too large for it, chunks. */
  function toBatch(pairs: readonly Pair[]): { readonly batch: Batch; readonly atOnce: boolean } {
    let atOnce = false
    const batch = collate(pairs, tokenize, (lengths) => {
      const stretches = stretchesAtOnce(lengths)
      atOnce = stretches !== undefined
      const texts = settings.cacheChunk ?? Number.POSITIVE_INFINITY
      return stretches ?? cutBySize({ texts, tokens: tokensOfChunk })(lengths)
    })
    return { batch, atOnce }
  }

  function stretchesAtOnce(lengths: readonly number[]): ReturnType<Cut> | undefined {
    if (settings.cacheChunk !== null) return lengths.length <= settings.cacheChunk ? inGroups(lengths) : undefined
    const withoutPadding = lengths.reduce((sum, length) => sum + length, 0)
    if (withoutPadding > mostTokensAtOnce) return undefined // spares the search for the best groups
    const stretches = inGroups(lengths)
    const tokens = stretches.reduce((sum, [from, to]) => sum + (to - from) * (lengths[to - 1] ?? 0), 0)
    return tokens <= mostTokensAtOnce ? stretches : undefined
  }
}
