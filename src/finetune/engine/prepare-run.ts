import { realpath } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { locateModel, readTransformer, type TransformerFiles, textProcessorOf } from '../../embed/index.ts'
import { type ConcreteDevice, defaultDevice } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { checkPairs, type Pair, type PairsReport, readPairs } from '../data/pairs.ts'
import { createSampler, type Sampler } from '../data/sampler.ts'
import { infoNce } from '../losses/info-nce.ts'
import { adamW } from '../optimizer/adamw.ts'
import { checkLoss, type FinetuneOptions, type RunSettings, runSettings } from '../options.ts'
import { readTower } from '../tower/read-tower.ts'
import type { Tower } from '../tower/tower.ts'
import { loadCheckpoint, type RunProgress } from './checkpoint.ts'
import { findDevice } from './find-device.ts'
import { checkGradients } from './graphs/gradients.ts'
import { identityOf, type RunIdentity } from './identity.ts'
import { type Plan, planRun } from './plan.ts'
import { type Recipe, recipeOf } from './recipe.ts'
import { openRunFolder, type RunFolder } from './run-folder.ts'
import { createState, type TrainState } from './state.ts'
import { createStepTaker, type StepTaker } from './take-steps.ts'

/** A run with all that it needs, before its next step. */
export interface PreparedRun {
  readonly options: FinetuneOptions
  readonly identity: RunIdentity
  /** What became of the file of pairs, where they came from one. */
  readonly read: PairsReport | undefined
  readonly plan: Plan
  readonly folder: RunFolder
  readonly files: TransformerFiles
  readonly tower: Tower
  /** Longest text in tokens, for training and for the model that comes of it. */
  readonly maximumTokens: number
  readonly recipe: Recipe
  /** What the steps change; at first, where the run goes on from. */
  readonly state: TrainState
  readonly taker: StepTaker
  readonly device: ConcreteDevice
  /** As the run begins, or goes on. */
  readonly progress: RunProgress
  /** What the user was told about what was given; it is on the model card too. */
  readonly warnings: readonly string[]
}

/** Reads and checks everything, and opens the run's folder. Throws as `finetune` does. */
export async function prepareRun(options: FinetuneOptions): Promise<PreparedRun> {
  const { evaluator, resume = false, onWarning = (text) => process.emitWarning(text, 'QontrastWarning') } = options
  const warnings: string[] = []
  const warn = (message: string) => {
    warnings.push(message)
    onWarning(message)
  }
  const given = runSettings(options)
  const { device, fallback } = await findDevice(options.device ?? defaultDevice)
  if (fallback) onWarning(fallback)
  const { pairs, read } = await pairsOf(options, warn)
  const folder = await openRunFolder(options.out, { resume })
  const source = await locateModel(options.model, options)
  await refuseSame(source.root, options.out)
  const files = await readTransformer(source, { dtype: 'fp32' })
  const maximumTokens = maximumOf(given, files)
  const settings = { ...given, maxTokens: maximumTokens }
  const processor = textProcessorOf(files, maximumTokens)
  const tower = await readTower(files, { processor, dropout: settings.dropout })
  for (const notice of tower.notices) warn(notice)
  const optimizer = options.optimizer ?? adamW()
  const { temperature } = options
  const loss = options.loss ?? infoNce(temperature === undefined ? {} : { temperature })
  checkLoss(loss)
  const recipe = recipeOf(tower, { loss, optimizer })
  checkGradients(recipe, 'encoder', files) // before anything is measured

  const sampler = createSampler(pairs, settings)
  const plan = planRun(pairs, sampler, settings)
  if (plan.steps === 0) throw noBatch(pairs, sampler)
  const identity = await folder.begin(
    identityOf({ model: options.model, files, tower, pairs, settings, recipe, evaluator }),
  )
  for (const message of [leftOutOf(pairs, plan, sampler), fewStepsOf(plan, settings)]) if (message) warn(message)

  const state = createState(recipe)
  const begun = (resume ? await loadCheckpoint(folder.checkpoints, state) : undefined) ?? begin
  const best = begun.best && (begun.best.step === 0 || (await folder.hasBest(begun.best.step))) ? begun.best : undefined
  if (begun.best && !best)
    onWarning(
      `The best weights so far, of step ${begun.best.step}, are gone from ${options.out}: the best of what follows is kept.`,
    )
  const threads = options.threads ?? availableParallelism()
  const taker = createStepTaker({ recipe, state, processor, settings, device, threads })
  return {
    options,
    identity,
    read,
    plan,
    folder,
    files,
    tower,
    maximumTokens,
    recipe,
    state,
    taker,
    device,
    progress: { ...begun, best },
    warnings,
  }
}

/** A trained model that replaces the one it came from leaves nothing to resume from. */
async function refuseSame(model: string, out: string): Promise<void> {
  const real = await realpath(out).catch(() => undefined)
  if (real !== undefined && real === (await realpath(model)))
    throw new QontrastError('invalid-option', `out is the folder of the model itself (${out}). Choose another --out.`)
}

const begin: RunProgress = { cutTexts: 0, best: undefined }

async function pairsOf(
  { pairs: given, columns, where, skipBadLines }: FinetuneOptions,
  warn: (message: string) => void,
): Promise<{ readonly pairs: readonly Pair[]; readonly read: PairsReport | undefined }> {
  if (typeof given !== 'string') return { pairs: checkPairs(given), read: undefined }
  const skipped: number[] = []
  let read: PairsReport | undefined
  const pairs = await readPairs(given, {
    ...(columns ? { columns } : {}),
    ...(where ? { where } : {}),
    ...(skipBadLines ? { onBadLine: (line) => skipped.push(line) } : {}),
    onReport: (report) => {
      read = report
    },
  })
  if (skipped.length > 0) {
    warn(
      `${path.basename(given)}: ${skipped.length} bad lines were left out (${skipped.slice(0, 5).join(', ')}${skipped.length > 5 ? ', …' : ''}).`,
    )
  }
  return { pairs, read }
}

/** Longest text in tokens: at most what the model reads, and longer than what every text begins and ends with. */
function maximumOf({ maxTokens }: RunSettings, { tokenizer, prompts }: TransformerFiles): number {
  const most = tokenizer.maximumTokens
  const least = tokenizer.specialTokens + Math.max(prompts.query.tokens, prompts.document.tokens) + 1
  if (maxTokens === null) return most
  if (maxTokens > most) {
    throw new QontrastError(
      'invalid-option',
      `maxTokens (--max-tokens) must be at most ${most}, the longest text that the model's folder allows; got ${maxTokens}.`,
    )
  }
  if (maxTokens < least) {
    throw new QontrastError(
      'invalid-option',
      `maxTokens (--max-tokens) must be at least ${least}, which is one token beside the model's special tokens and prompt; got ${maxTokens}.`,
    )
  }
  return maxTokens
}

function noBatch(pairs: readonly Pair[], { mostShared, contradictory }: Sampler): QontrastError {
  const [only] = pairs
  const reasons = [
    ...(pairs.length === 1 ? [`it is the only one ("${shortened(only?.anchor ?? '')}")`] : []),
    ...(contradictory.size > 0 ? [`${contradictory.size} have their positive among their negatives`] : []),
    ...(mostShared ? [`${mostShared.pairs} share the text "${shortened(mostShared.text)}"`] : []),
  ]
  return new QontrastError(
    'invalid-input',
    `${counted(pairs.length, 'pair')} make${pairs.length === 1 ? 's' : ''} no batch of two, and a pair learns from the others of its batch: ${reasons.join('; ') || 'any two of them contradict each other'}. Give pairs of different texts.`,
  )
}

/** Why pairs are in no batch, if some are. */
function leftOutOf(pairs: readonly Pair[], { used }: Plan, { mostShared, contradictory }: Sampler): string | undefined {
  const left = pairs.length - used
  if (left === 0) return undefined
  const shared = left - contradictory.size
  const reasons = [
    ...(contradictory.size > 0 ? [`${contradictory.size} have their own positive among their negatives`] : []),
    ...(shared > 0 ? [`${shared} would be a wrong answer to a pair of every batch with room`] : []),
  ]
  const example = shared > 0 && mostShared ? ` (${mostShared.pairs} pairs share "${shortened(mostShared.text)}")` : ''
  return `${left} of ${counted(pairs.length, 'pair')} are left out: ${reasons.join('; ')}${example}.`
}

function fewStepsOf({ steps, fewSteps, used }: Plan, { batchSize }: RunSettings): string | undefined {
  if (!fewSteps) return undefined
  return `${counted(steps, 'step')} will hardly change the model: ${counted(used, 'pair')} at ${batchSize} a batch make no more. Give more pairs, more epochs, or a smaller batch size.`
}

function counted(value: number, noun: string): string {
  return `${value.toLocaleString('en-US')} ${noun}${value === 1 ? '' : 's'}`
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
