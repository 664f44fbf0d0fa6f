import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { loadEncoder } from '../../embed/index.ts'
import { float32Of, type ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type RunProgress, saveCheckpoint } from './checkpoint.ts'
import { withDiskErrors } from './disk-errors.ts'
import type { CheckpointEnd, EvaluateEnd } from './events.ts'
import type { PreparedRun } from './prepare-run.ts'
import { partOf } from './recipe.ts'
import { towerValues } from './state.ts'

/** Weights and buffers of a tower, by its own names. */
type TowerValues = ReadonlyMap<ValueName, Float32Array>

/** Knows where a run is, and keeps it: checkpoints, the best weights by the evaluator, the model in the end. */
export interface Keeper {
  progress(): RunProgress
  advance(cutInputs: number): void
  /** Exports the weights and measures them as anyone would who loads them. */
  evaluate(): Promise<EvaluateEnd>
  /** Measures the model as it was before training, as above. */
  evaluateUntrained(): Promise<EvaluateEnd>
  checkpoint(): Promise<CheckpointEnd>
  /** Writes the model's folder: the best weights where there was an evaluator, else the last. Says which step they are of. */
  finish(): Promise<{ readonly step: number; readonly metrics: EvaluateEnd['metrics'] | undefined }>
}

export function createKeeper(run: PreparedRun): Keeper {
  const { options, folder, recipe, state, taker, plan } = run
  const { method, evaluator, signal } = options
  let { progress } = run

  const { tower } = partOf(recipe, method.result)

  const write = async (out: string, values: TowerValues, card?: string) => {
    await withDiskErrors(async () => {
      await tower.write(out, values)
      if (card !== undefined) await writeFile(path.join(out, 'README.md'), card)
    })
  }
  /** The weights of the moment. */
  const trained = async (): Promise<TowerValues> => {
    await taker.settle()
    return towerValues(recipe, state, method.result)
  }
  const untrained = (): TowerValues => {
    const all = [...tower.parameters, ...tower.buffers]
    return new Map(all.map(([name, { value }]) => [name, float32Of(value)]))
  }

  return {
    progress: () => progress,
    advance(cutInputs) {
      progress = { ...progress, cutInputs: progress.cutInputs + cutInputs }
    },
    evaluate: async () => evaluate(state.step, await trained()),
    evaluateUntrained: () => evaluate(0, untrained()),

    async checkpoint() {
      await taker.settle()
      const path = await saveCheckpoint(folder.checkpoints, state, progress)
      await folder.forget(progress.best?.step)
      return { type: 'checkpoint-end', step: state.step, path }
    },

    async finish() {
      const { step, metrics } = progress.best ?? { step: plan.steps, metrics: undefined }
      const evaluations = await folder.evaluations()
      const card = options.card?.({ ...run, evaluations, exportedStep: step })
      if (step === 0) await write(options.out, untrained(), card)
      else if (step === plan.steps) await write(options.out, await trained(), card)
      else await folder.takeBest(step, options.out, card)
      return { step, metrics }
    },
  }

  async function evaluate(step: number, values: TowerValues): Promise<EvaluateEnd> {
    if (!evaluator) throw new QontrastError('internal', 'there is no evaluator')
    const { primaryMetric, higherIsBetter } = evaluator
    await write(folder.candidate, values)
    await using encoder = await loadEncoder(folder.candidate, { device: run.device })
    const metrics = await evaluator(encoder, signal ? { signal } : {})
    const value = metrics[primaryMetric] ?? Number.NaN
    if (step === 0 && Number.isNaN(value)) {
      throw new QontrastError(
        'invalid-option',
        `The evaluator gave no number for its metric '${primaryMetric}', only ${JSON.stringify(metrics)}: is there something to measure in its data?`,
      )
    }
    const before = progress.best?.metrics[primaryMetric]
    const better = before === undefined || (higherIsBetter ? value > before : value < before)
    const asGood = value === before && progress.best?.step === 0 && step > 0
    const best = better || asGood
    if (best) {
      if (step > 0) await folder.keepBest(step)
      progress = { ...progress, best: { step, metrics } }
    }
    return { type: 'evaluate-end', step, metric: primaryMetric, metrics, best }
  }
}
