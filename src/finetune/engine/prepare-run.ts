import { realpath } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { type ConcreteDevice, defaultDevice } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type BatchMaker, type BatchSetup, createBatchMaker, workersFor } from '../data/batch-maker.ts'
import { counted } from '../data/counted.ts'
import { loadCheckpoint, type RunProgress } from './checkpoint.ts'
import { inputsOf } from './feed-steps.ts'
import { findDevice } from './find-device.ts'
import { batchSetupOf, type OpenTowers, openTowers, recipeOf } from './follow-method.ts'
import { checkGradients } from './graphs/gradients.ts'
import { identityOf, type RunIdentity } from './identity.ts'
import { cutRulesOf, sizeRuleOf } from './memory.ts'
import { type Plan, planRun } from './plan.ts'
import type { Recipe } from './recipe.ts'
import { openRunFolder, type RunFolder } from './run-folder.ts'
import { createState, type TrainState } from './state.ts'
import { startStepTaker } from './step-thread.ts'
import { type StepTaker, wayOf } from './take-steps.ts'
import type { TrainOptions } from './train-options.ts'

/** A run with all that it needs, before its next step. */
export interface PreparedRun<Report = unknown> {
  readonly options: TrainOptions<Report>
  readonly identity: RunIdentity
  readonly plan: Plan
  readonly folder: RunFolder
  readonly recipe: Recipe
  /** What the steps change; at first, where the run goes on from. */
  readonly state: TrainState
  readonly maker: BatchMaker
  readonly taker: StepTaker
  readonly device: ConcreteDevice
  /** As the run begins, or goes on. */
  readonly progress: RunProgress
  /** What the user was told about what was given; it is on the model card too. */
  readonly warnings: readonly string[]
}

/** Opens and checks everything, and opens the run's folder. Throws as `train` does. */
export async function prepareRun<Report>(options: TrainOptions<Report>): Promise<PreparedRun<Report>> {
  const { method, data, settings, optimizer, out, evaluator, resume = false } = options
  const { onWarning = (text: string) => process.emitWarning(text, 'QontrastWarning') } = options
  const warnings: string[] = []
  const warn = (message: string) => {
    warnings.push(message)
    onWarning(message)
  }
  const { device, fallback } = await findDevice(options.device ?? defaultDevice)
  if (fallback) onWarning(fallback)
  for (const notice of data.notices) warn(notice)
  const folder = await openRunFolder(out, { resume })
  const opened = await openTowers(method)
  await refuseSame(opened, out)
  for (const { tower } of opened.values()) for (const notice of tower.notices) warn(notice)

  const plan = planRun(data, settings)
  const recipe = recipeOf(method, opened, { optimizer, steps: plan.steps })
  for (const [name, { family }] of opened) checkGradients(recipe, name, family) // before anything is measured
  if (plan.steps === 0) throw data.noBatch()
  const identity = await folder.begin(identityOf({ method, opened, data, settings, recipe, evaluator }))
  for (const message of noticesOf(plan, options)) warn(message)

  const state = createState(recipe)
  const begun = (resume ? await loadCheckpoint(folder.checkpoints, state) : undefined) ?? begin
  const best = begun.best && (begun.best.step === 0 || (await folder.hasBest(begun.best.step))) ? begun.best : undefined
  if (begun.best && !best)
    onWarning(
      `The best weights so far, of step ${begun.best.step}, are gone from ${out}: the best of what follows is kept.`,
    )
  const way = wayOf(device)
  const size = (name: string) => sizeRuleOf(way, opened.get(name)?.tower)
  const setup = batchSetupOf(method, opened, { recipe, cut: cutRulesOf(way, settings.cacheChunk), size })
  const workers = options.workers ?? (await workersWorth(setup, { options, plan }))
  const threads = options.threads ?? availableParallelism()
  return {
    options,
    identity,
    plan,
    folder,
    recipe,
    state,
    maker: createBatchMaker(setup, { workers }),
    taker: startStepTaker({ recipe, state, settings, device, threads }),
    device,
    progress: { ...begun, best },
    warnings,
  }
}

/** A trained model that replaces the one it came from leaves nothing to resume from. */
async function refuseSame(opened: OpenTowers, out: string): Promise<void> {
  const real = await realpath(out).catch(() => undefined)
  if (real === undefined) return
  for (const { folder } of opened.values())
    if (folder !== undefined && real === (await realpath(folder)))
      throw new QontrastError('invalid-option', `out is the folder of the model itself (${out}). Choose another --out.`)
}

const begin: RunProgress = { cutInputs: 0, best: undefined }

/** By how long the run's first batch takes here. */
async function workersWorth(
  setup: BatchSetup,
  { options: { method, data, settings }, plan }: Pick<PreparedRun, 'options' | 'plan'>,
): Promise<number> {
  const [first] = plan.after(0)
  const examples = (first?.parts[0] ?? []).map(data.example)
  return workersFor(setup, await inputsOf(method, examples, settings.seed))
}

/** What should be known of the plan. */
function noticesOf({ steps, fewSteps, used }: Plan, { data }: TrainOptions): string[] {
  const left = data.size - used
  const given = counted(data.size, data.noun)
  const taken = counted(used, data.noun)
  const few = `${counted(steps, 'step')} will hardly change the model: ${taken} at ${data.batchSize} a batch make no more. Give more ${data.noun}s, more epochs, or a smaller batch size.`
  return [...(left > 0 ? [`${left} of ${given} are left out: ${data.unused(left)}.`] : []), ...(fewSteps ? [few] : [])]
}
