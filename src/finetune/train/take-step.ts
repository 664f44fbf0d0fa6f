import type { TransformerFiles } from '../../embed/index.ts'
import type { ValueName } from '../../graph/index.ts'
import { type Device, deviceCandidates } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type Batch, collate, cutBySize, cutInGroups, type Tokenize } from '../data/collate.ts'
import type { Pair } from '../data/pairs.ts'
import type { Loss } from '../losses/loss.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import { applyGradients, globalNorm, type Parameter } from '../optimizer/parameters.ts'
import type { RunSettings } from '../options.ts'
import { createDeviceStepper } from './device-step.ts'
import { addGradients, freeGradients } from './gradients.ts'
import { createStepper, type StepResult } from './step.ts'
import type { Tower } from './tower.ts'

/** Texts of a step are padded in this many groups of like length. */
const groups = 4
/** A step of more tokens than this is taken in chunks, which hold the memory of the chunk only. */
const mostTokensAtOnce = 16_384
const tokensOfChunk = 2_048
const clipEpsilon = 1e-6

export interface StepTakerOptions {
  readonly tower: Tower
  readonly files: TransformerFiles
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly parameters: ReadonlyMap<ValueName, Parameter>
  readonly settings: RunSettings
  readonly tokenize: Tokenize
  readonly device: Device
  readonly threads: number
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
      const [part = []] = parts
      const batch = parts.length === 1 ? atOnce(part) : undefined
      const taken = onDevice && batch ? await takeOnDevice(batch) : await takeOnHost()
      if (Number.isFinite(taken.loss) && Number.isFinite(taken.norm)) return taken
      throw new QontrastError(
        'training-diverged',
        `Step ${step}: the ${Number.isFinite(taken.loss) ? 'gradient' : 'loss'} is no finite number any more. The checkpoints before it are kept. Lower the learning rate (${settings.learningRate}), or look for broken texts.`,
      )

      async function takeOnDevice(whole: Batch): Promise<TakenStep> {
        const result = await onDevice?.step(whole, { rate, decay: settings.weightDecay, step, clip: settings.clip })
        return { loss: result?.loss ?? Number.NaN, norm: result?.norm ?? Number.NaN, cutTexts: whole.cutTexts }
      }

      async function takeOnHost(): Promise<TakenStep> {
        await onDevice?.download()
        const gradients: StepResult['gradients'] = new Map()
        let total = 0
        let cutTexts = 0
        for (const pairs of parts) {
          const own = atOnce(pairs)
          const chunks = own ?? inChunks(pairs)
          const result = own ? await stepper.oneShot(own) : await stepper.chunked(chunks)
          addGradients(gradients, result.gradients)
          total += result.loss
          cutTexts += chunks.cutTexts
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

  /** The whole batch, or undefined where it is too large for one graph. */
  function atOnce(pairs: readonly Pair[]): Batch | undefined {
    const batch = collate(pairs, tokenize, cutInGroups(groups))
    const texts = batch.groups.reduce((sum, { lengths }) => sum + lengths.length, 0)
    const tokens = batch.groups.reduce((sum, { lengths }) => sum + lengths.length * Math.max(...lengths), 0)
    const fits = settings.cacheChunk === null ? tokens <= mostTokensAtOnce : texts <= settings.cacheChunk
    return fits ? batch : undefined
  }

  function inChunks(pairs: readonly Pair[]): Batch {
    const texts = settings.cacheChunk ?? Number.POSITIVE_INFINITY
    return collate(pairs, tokenize, cutBySize({ texts, tokens: tokensOfChunk }))
  }
}
