import type { Evaluator } from '../evaluate/index.ts'
import { checkDevice, type Device } from '../runtime/index.ts'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../shared/index.ts'
import type { PairColumns } from './data/pair-columns.ts'
import type { Pair } from './data/pairs.ts'
import type { Where } from './data/where.ts'
import type { Loss } from './losses/loss.ts'
import type { EncoderSource } from './methods/tower-source.ts'
import type { Optimizer } from './optimizer/optimizer.ts'
import { type Schedule, schedules } from './optimizer/schedule.ts'

export interface FinetuneOptions {
  /** Folder or hub name of a transformer with fp32 weights in ONNX, or an encoder from scratch. */
  readonly model: string | EncoderSource
  /** A file of JSON lines, JSON, CSV or TSV, or the pairs themselves. */
  readonly pairs: string | readonly Pair[]
  /** Which columns of the file are what, where their names do not say it. */
  readonly columns?: PairColumns
  /** Takes only rows of the file that have this in their columns, such as `{ label: 1 }`. */
  readonly where?: Where
  /** Folder for the trained model; `run/` in it keeps settings, metrics and checkpoints. */
  readonly out: string
  readonly epochs?: number
  /** Pairs a step. */
  readonly batchSize?: number
  readonly learningRate?: number
  /** Share of the steps over which the learning rate rises. */
  readonly warmup?: number
  /** How the learning rate falls after that. */
  readonly schedule?: Schedule
  /** Not applied to biases, norms, and what stands for a place. */
  readonly weightDecay?: number
  /** Probability with which values are dropped out where BERT's training does: after the embeddings, on attention weights, before residuals. */
  readonly dropout?: number
  /** Gradients are scaled down to this norm; 0 leaves them as they are. */
  readonly clip?: number
  /** Of the standard loss, InfoNCE; another `loss` has its own. */
  readonly temperature?: number
  readonly loss?: Loss
  readonly optimizer?: Optimizer
  /** Longer texts are cut, here and by the trained model; at most what the model reads, which is the default. */
  readonly maxTokens?: number
  /** Texts encoded at once by the gradient cache, at most, and no more than 1,536 tokens; without it, only batches that would hold more than about 2 GB are taken in chunks. */
  readonly cacheChunk?: number
  /** Batches whose gradients are averaged before weights move. */
  readonly accumulate?: number
  /** Where the steps are taken; `auto` takes a usable GPU, else the CPU, and says so in one warning. */
  readonly device?: Device
  readonly seed?: number
  /** Go on from the last checkpoint in `out`, with the same settings, or with more epochs. */
  readonly resume?: boolean
  /** Run before training, after each epoch, and every `evaluateEvery` steps; the best weights by its primary metric are exported, be they the untrained ones. */
  readonly evaluator?: Evaluator
  readonly evaluateEvery?: number
  /** Steps between checkpoints; one is also written after each epoch. */
  readonly checkpointEvery?: number
  readonly skipBadLines?: boolean
  readonly threads?: number
  readonly cacheDir?: string
  readonly localOnly?: boolean
  readonly signal?: AbortSignal
  readonly onWarning?: (message: string) => void
}

const finetuneKeys: OptionKeys<FinetuneOptions> = {
  model: true,
  pairs: true,
  columns: true,
  where: true,
  out: true,
  epochs: true,
  batchSize: true,
  learningRate: true,
  warmup: true,
  schedule: true,
  weightDecay: true,
  dropout: true,
  clip: true,
  temperature: true,
  loss: true,
  optimizer: true,
  maxTokens: true,
  cacheChunk: true,
  accumulate: true,
  device: true,
  seed: true,
  resume: true,
  evaluator: true,
  evaluateEvery: true,
  checkpointEvery: true,
  skipBadLines: true,
  threads: true,
  cacheDir: true,
  localOnly: true,
  signal: true,
  onWarning: true,
}

/** The numbers of a run. */
export interface RunSettings {
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly warmup: number
  readonly schedule: Schedule
  readonly weightDecay: number
  readonly dropout: number
  readonly clip: number
  /** Null for what the model reads. */
  readonly maxTokens: number | null
  readonly cacheChunk: number | null
  readonly accumulate: number
  readonly seed: number
}

const whole = (least: number) => ({
  test: (value: number) => Number.isInteger(value) && value >= least,
  says: `a whole number from ${least}`,
})
const between = (least: number, most: number) => ({
  test: (value: number) => value >= least && value <= most,
  says: most === Number.POSITIVE_INFINITY ? `a number from ${least}` : `a number from ${least} to ${most}`,
})
const above = (least: number) => ({
  test: (value: number) => value > least && Number.isFinite(value),
  says: `a number above ${least}`,
})

const rules: Readonly<Record<string, { test(value: number): boolean; readonly says: string }>> = {
  epochs: whole(1),
  batchSize: {
    test: (value) => Number.isInteger(value) && value >= 2,
    says: 'at least 2: the other pairs of a batch are what a pair is told apart from',
  },
  learningRate: above(0),
  warmup: between(0, 1),
  weightDecay: between(0, Number.POSITIVE_INFINITY),
  dropout: { test: (value) => value >= 0 && value < 1, says: 'a number from 0 to below 1' },
  clip: between(0, Number.POSITIVE_INFINITY),
  temperature: above(0),
  maxTokens: whole(3),
  cacheChunk: whole(1),
  accumulate: whole(1),
  seed: whole(0),
  evaluateEvery: whole(1),
  checkpointEvery: whole(1),
  threads: whole(1),
}

/** `invalid-option` for options that would have no effect, and for a schedule that is none. */
function checkTogether({ schedule, loss, temperature, evaluator, evaluateEvery }: FinetuneOptions): void {
  const refuse = (message: string) => {
    throw new QontrastError('invalid-option', message)
  }
  if (schedule !== undefined && !schedules.includes(schedule))
    refuse(`schedule must be one of ${schedules.join(', ')}; got '${schedule}'.`)
  if (loss !== undefined && temperature !== undefined)
    refuse(
      `temperature is the standard loss's, and '${loss.name}' is given: pass it there, as infoNce({ temperature }).`,
    )
  if (evaluateEvery !== undefined && evaluator === undefined)
    refuse('evaluateEvery (--evaluate-every) has nothing to run: pass an evaluator (--evaluate) too.')
}

/** Settings with their defaults; `invalid-option` names the wrong one and what it may be. */
export function runSettings(options: FinetuneOptions): RunSettings {
  checkOptionKeys('finetune', options, finetuneKeys)
  for (const [name, { test, says }] of Object.entries(rules)) {
    const value = new Map<string, unknown>(Object.entries(options)).get(name)
    if (value !== undefined && !(typeof value === 'number' && test(value)))
      throw new QontrastError('invalid-option', `${name} must be ${says}; got ${String(value)}.`)
  }
  checkDevice(options.device)
  checkTogether(options)
  const {
    epochs = 1,
    batchSize = 64,
    learningRate = 2e-5,
    warmup = 0.1,
    schedule = 'linear',
    weightDecay = 0,
    dropout = 0.1,
    clip = 1,
  } = options
  const { maxTokens = null, cacheChunk = null, accumulate = 1, seed = 42 } = options
  return {
    epochs,
    batchSize,
    learningRate,
    warmup,
    schedule,
    weightDecay,
    dropout,
    clip,
    maxTokens,
    cacheChunk,
    accumulate,
    seed,
  }
}
