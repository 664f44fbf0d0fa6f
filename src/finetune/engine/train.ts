import { throwIfAborted } from '../../shared/index.ts'
import type { RunStart, StepEnd, TrainEvent } from './events.ts'
import { feedSteps } from './feed-steps.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import type { Planned } from './plan.ts'
import { type PreparedRun, prepareRun } from './prepare-run.ts'
import { stretches } from './stretches.ts'
import type { ReadyStep } from './take-steps.ts'
import type { TrainOptions } from './train-options.ts'
import type { StepResult } from './ways/way.ts'

/** The flow of training: data → batches → steps → checkpoints → evaluation → model folder. It knows no method: what is learned, and from what, is given. */
export async function* train<Report>(
  options: TrainOptions<Report>,
): AsyncGenerator<TrainEvent<Report>, void, undefined> {
  const run = await prepareRun(options)
  try {
    for await (const event of follow(run)) {
      await run.folder.log(event)
      yield event
    }
  } finally {
    await run.maker.close()
    await run.taker.close()
  }
}

async function* follow<Report>(run: PreparedRun<Report>): AsyncGenerator<TrainEvent<Report>, void, undefined> {
  const { options, plan, progress } = run
  const began = performance.now()
  const keeper = createKeeper(run)
  yield startOf(run)
  if (options.evaluator && !progress.best) yield await keeper.evaluateUntrained()
  yield* takeSteps(run, keeper)
  const { step, metrics } = await keeper.finish()
  yield {
    type: 'run-end',
    steps: plan.steps,
    fewSteps: plan.fewSteps,
    seconds: (performance.now() - began) / 1000,
    out: options.out,
    cutInputs: keeper.progress().cutInputs,
    exportedStep: step,
    metrics,
  }
}

function startOf<Report>({ options, plan, state, device, warnings }: PreparedRun<Report>): RunStart<Report> {
  const { method, data } = options
  return {
    type: 'run-start',
    method: method.name,
    examples: data.size,
    data: data.report,
    usedExamples: plan.used,
    batches: plan.batches,
    steps: plan.steps,
    resumedFrom: state.step,
    parameters: [...state.weights.values()].reduce((sum, { data: values }) => sum + values.length, 0),
    device,
    warnings,
  }
}

async function* takeSteps(run: PreparedRun, keeper: Keeper): AsyncGenerator<TrainEvent<never>, void, undefined> {
  const { options, plan, recipe, maker, taker, state } = run
  const { method, data, settings, signal, evaluator, evaluateEvery, checkpointEvery } = options
  const measures = ({ step, epochEnds }: Planned) =>
    evaluator !== undefined && (epochEnds || isDue(evaluateEvery, step))
  const saves = ({ step, epochEnds }: Planned) => epochEnds || isDue(checkpointEvery, step)
  const ends = (planned: Planned) => measures(planned) || saves(planned)
  const from = state.step
  const planned = stretches(plan.after(from), { longest: taker.stride, ends })
  let training = 0
  let saved = from
  let whole = true // the weights are those of a step, and can be written
  try {
    throwIfAborted(signal)
    let started = performance.now()
    for await (const [stretch, ready] of feedSteps(planned, { method, data, recipe, maker, seed: settings.seed })) {
      throwIfAborted(signal)
      whole = false
      const taken = await taker.take(ready)
      whole = true
      const seconds = (performance.now() - started) / 1000 / stretch.length
      for (const [i, one] of stretch.entries()) {
        training += seconds
        const secondsLeft = (training / (one.step - from)) * (plan.steps - one.step)
        const event = stepEnd(one, { ready: ready[i], taken: taken[i] }, { steps: plan.steps, seconds, secondsLeft })
        keeper.advance(event.cutInputs)
        yield event
      }
      const last = stretch.at(-1)
      if (last && measures(last)) yield await keeper.evaluate()
      if (last && saves(last)) {
        whole = false
        const event = await keeper.checkpoint()
        saved = last.step
        whole = true
        yield event
      }
      started = performance.now() // what batches are waited for is part of the next step
    }
  } finally {
    if (whole && state.step > saved) await keeper.checkpoint() // stopped early: by a signal, an evaluator, or who reads the events
  }
}

function stepEnd(
  { step, rate, epoch, parts }: Planned,
  { ready, taken }: { readonly ready: ReadyStep | undefined; readonly taken: StepResult | undefined },
  { steps, seconds, secondsLeft }: Pick<StepEnd, 'steps' | 'secondsLeft'> & { readonly seconds: number },
): StepEnd {
  const { loss = Number.NaN, norm = Number.NaN, metrics = {} } = taken ?? {}
  const examples = parts.reduce((sum, part) => sum + part.length, 0)
  return {
    type: 'step-end',
    step,
    steps,
    epoch,
    loss,
    rate,
    norm,
    metrics,
    examples,
    examplesPerSecond: examples / seconds,
    secondsLeft,
    cutInputs: (ready?.batches ?? []).reduce((sum, { cutItems }) => sum + cutItems, 0),
    memory: process.memoryUsage().rss,
  }
}

function isDue(every: number | undefined, step: number): boolean {
  return every !== undefined && step % every === 0
}
