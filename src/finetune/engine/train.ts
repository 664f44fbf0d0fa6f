import { throwIfAborted } from '../../shared/index.ts'
import type { FinetuneOptions } from '../options.ts'
import type { FinetuneEvent, RunStart, StepEnd } from './events.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import type { Planned } from './plan.ts'
import { type PreparedRun, prepareRun } from './prepare-run.ts'
import { stretches } from './stretches.ts'
import type { TakenStep } from './take-steps.ts'

/** The flow of `finetune`: pairs → batches → step graph → optimizer → checkpoints → evaluation → model folder. */
export async function* train(options: FinetuneOptions): AsyncGenerator<FinetuneEvent, void, undefined> {
  const run = await prepareRun(options)
  try {
    for await (const event of follow(run)) {
      await run.folder.log(event)
      yield event
    }
  } finally {
    await run.taker.close()
  }
}

async function* follow(run: PreparedRun): AsyncGenerator<FinetuneEvent, void, undefined> {
  const { options, plan } = run
  const began = performance.now()
  const keeper = createKeeper(run)
  yield startOf(run)
  if (options.evaluator && !run.progress.best) yield await keeper.evaluateUntrained()
  yield* takeSteps(run, keeper)
  const { step, metrics } = await keeper.finish()
  yield {
    type: 'run-end',
    steps: plan.steps,
    fewSteps: plan.fewSteps,
    seconds: (performance.now() - began) / 1000,
    out: options.out,
    cutTexts: keeper.progress().cutTexts,
    exportedStep: step,
    metrics,
  }
}

function startOf({ options, read, plan, identity, state, device, warnings }: PreparedRun): RunStart {
  return {
    type: 'run-start',
    model: options.model,
    pairs: identity.pairs,
    read,
    usedPairs: plan.used,
    batches: plan.batches,
    steps: plan.steps,
    resumedFrom: state.step,
    parameters: [...state.weights.values()].reduce((sum, { data }) => sum + data.length, 0),
    device,
    warnings,
  }
}

async function* takeSteps(run: PreparedRun, keeper: Keeper): AsyncGenerator<FinetuneEvent, void, undefined> {
  const { options, plan, taker, state } = run
  const { signal, evaluator, evaluateEvery, checkpointEvery } = options
  const measures = ({ step, epochEnds }: Planned) =>
    evaluator !== undefined && (epochEnds || isDue(evaluateEvery, step))
  const saves = ({ step, epochEnds }: Planned) => epochEnds || isDue(checkpointEvery, step)
  const ends = (planned: Planned) => measures(planned) || saves(planned)
  let training = 0
  const from = state.step
  let saved = from
  let whole = true // the weights are those of a step, and can be written
  try {
    for (const stretch of stretches(plan.after(from), { longest: taker.stride, ends })) {
      throwIfAborted(signal)
      const started = performance.now()
      whole = false
      const taken = await taker.take(stretch)
      whole = true
      const seconds = (performance.now() - started) / 1000 / stretch.length
      for (const [i, planned] of stretch.entries()) {
        training += seconds
        const secondsLeft = (training / (planned.step - from)) * (plan.steps - planned.step)
        const event = stepEnd(planned, taken[i], { steps: plan.steps, seconds, secondsLeft })
        keeper.advance(event.cutTexts)
        yield event
      }
      const last = stretch.at(-1)
      if (last && measures(last)) yield await keeper.evaluate()
      if (!last || !saves(last)) continue
      whole = false
      const event = await keeper.checkpoint()
      saved = last.step
      whole = true
      yield event
    }
  } finally {
    if (whole && state.step > saved) await keeper.checkpoint() // stopped early: by a signal, an evaluator, or who reads the events
  }
}

function stepEnd(
  { step, rate, epoch, parts }: Planned,
  taken: TakenStep | undefined,
  { steps, seconds, secondsLeft }: Pick<StepEnd, 'steps' | 'secondsLeft'> & { readonly seconds: number },
): StepEnd {
  const { loss = Number.NaN, norm = Number.NaN, metrics = {}, cutTexts = 0 } = taken ?? {}
  const pairs = parts.reduce((sum, part) => sum + part.length, 0)
  return {
    type: 'step-end',
    step,
    steps,
    epoch,
    loss,
    rate,
    norm,
    metrics,
    pairs,
    pairsPerSecond: pairs / seconds,
    secondsLeft,
    cutTexts,
    memory: process.memoryUsage().rss,
  }
}

function isDue(every: number | undefined, step: number): boolean {
  return every !== undefined && step % every === 0
}
