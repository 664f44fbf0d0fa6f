import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { loadEncoder, locateModel, readTransformer } from '../../embed/index.ts'
import { deviceCandidates } from '../../runtime/index.ts'
import { QontrastError, throwIfAborted } from '../../shared/index.ts'
import { createTokenize } from '../data/collate.ts'
import { checkPairs, type Pair, type PairsReport, readPairs } from '../data/pairs.ts'
import { sampleBatches } from '../data/sampler.ts'
import { exportModel } from '../export.ts'
import { infoNce } from '../losses/info-nce.ts'
import { modelCard } from '../model-card.ts'
import { adamW } from '../optimizer/adamw.ts'
import { createParameters } from '../optimizer/parameters.ts'
import { rateAt } from '../optimizer/schedule.ts'
import { checkLoss, type FinetuneOptions, runSettings } from '../options.ts'
import { loadCheckpoint, type RunState, saveCheckpoint } from './checkpoint.ts'
import type { FinetuneEvent } from './events.ts'
import { openRunFolder } from './run-folder.ts'
import { buildChunkGraph, tablesOf } from './step-graph.ts'
import { stretches } from './stretches.ts'
import { createStepTaker, type PlannedStep } from './take-step.ts'
import { readTower } from './tower.ts'

interface Planned extends PlannedStep {
  readonly epoch: number
  readonly epochEnds: boolean
}

/** The flow of `finetune`: pairs → batches → step graph → optimizer → checkpoints → evaluation → model folder. */
export async function* train(options: FinetuneOptions): AsyncGenerator<FinetuneEvent, void, undefined> {
  const {
    signal,
    evaluator,
    device = 'cpu',
    onWarning = (message) => process.emitWarning(message, 'QontrastWarning'),
  } = options
  const settings = runSettings(options)
  const { pairs, read } = await pairsOf(options, onWarning)
  const run = await openRunFolder(options.out, { resume: options.resume ?? false })
  const folder = await locateModel(options.model, options)
  const files = await readTransformer(folder, { dtype: 'fp32' })
  const tower = await readTower(files, { dropout: settings.dropout })
  buildChunkGraph(tower) // refuses a model without gradients before anything is measured
  const optimizer = options.optimizer ?? adamW()
  const loss = options.loss ?? infoNce({ temperature: settings.temperature })
  checkLoss(loss)
  const parameters = createParameters(tower.parameters, optimizer, tablesOf(tower))
  await run.checkSettings({
    model: options.model,
    pairs: pairs.length,
    pairsSha256: createHash('sha256').update(JSON.stringify(pairs)).digest('hex'),
    ...settings,
    loss: loss.name,
    optimizer: { name: optimizer.name, ...optimizer.settings },
  })
  const batchesOf = (epoch: number) =>
    sampleBatches(pairs, { batchSize: settings.batchSize, seed: settings.seed, epoch })
  const stepsOf = (epoch: number) => Math.ceil(batchesOf(epoch).length / settings.accumulate)
  const steps = Array.from({ length: settings.epochs }, (_, epoch) => stepsOf(epoch)).reduce(
    (sum, count) => sum + count,
    0,
  )
  if (steps === 0) {
    throw new QontrastError(
      'invalid-input',
      `${pairs.length} pairs make no batch of two: no two of them are without a text in common.`,
    )
  }

  const tokenize = createTokenize(files, settings.maxTokens ?? undefined)
  const threads = options.threads ?? availableParallelism()
  const taker = createStepTaker({ tower, files, loss, optimizer, parameters, settings, tokenize, device, threads })
  const resumed = options.resume ? await loadCheckpoint(run.checkpoints, parameters, optimizer) : undefined
  let state: RunState = resumed ?? { step: 0, cutTexts: 0, best: undefined }
  const resumedFrom = state.step
  const began = performance.now()
  let training = 0
  const emit = async <E extends FinetuneEvent>(event: E): Promise<E> => {
    await run.log(event)
    return event
  }
  const exportTo = async (out: string, card?: string) => {
    await taker.settle()
    await exportModel({ files, tower, parameters, out, ...(card ? { card } : {}) })
  }
  const save = async () => {
    await taker.settle()
    return saveCheckpoint(run.checkpoints, state, parameters, optimizer)
  }

  try {
    const count = [...parameters.values()].reduce((sum, { weights }) => sum + weights.length, 0)
    yield await emit({
      type: 'run-start',
      model: options.model,
      pairs: pairs.length,
      read,
      steps,
      resumedFrom,
      parameters: count,
      device: deviceCandidates(device)[0] ?? 'cpu',
    })
    if (evaluator && resumedFrom === 0) yield await emit(await evaluate())

    const measures = ({ step, epochEnds }: Planned) =>
      evaluator !== undefined && (epochEnds || isDue(options.evaluateEvery, step))
    const saves = ({ step, epochEnds }: Planned) => epochEnds || isDue(options.checkpointEvery, step)
    const ends = (planned: Planned) => measures(planned) || saves(planned)
    for (const stretch of stretches(plan(resumedFrom), { longest: taker.stride, ends })) {
      throwIfAborted(signal)
      const started = performance.now()
      const taken = await taker.take(stretch)
      const seconds = (performance.now() - started) / 1000 / stretch.length
      for (const [i, { step, rate, epoch, parts }] of stretch.entries()) {
        const { loss: value = Number.NaN, norm = Number.NaN, cutTexts = 0 } = taken[i] ?? {}
        const pairsTaken = parts.reduce((sum, part) => sum + part.length, 0)
        state = { ...state, step, cutTexts: state.cutTexts + cutTexts }
        training += seconds
        yield await emit({
          type: 'step-end',
          step,
          steps,
          epoch,
          loss: value,
          rate,
          norm,
          pairs: pairsTaken,
          pairsPerSecond: pairsTaken / seconds,
          secondsLeft: (training / (step - resumedFrom)) * (steps - step),
          cutTexts,
          memory: process.memoryUsage().rss,
        })
      }
      const last = stretch.at(-1)
      if (last && measures(last)) yield await emit(await evaluate())
      if (last && saves(last)) yield await emit({ type: 'checkpoint-end', step: last.step, path: await save() })
    }

    const best = state.best
    const card = modelCard({
      base: options.model,
      pairs: pairs.length,
      settings,
      loss: loss.name,
      optimizer: optimizer.name,
      evaluations: await run.evaluations(),
    })
    await exportTo(options.out, card)
    if (best && best.step !== steps) await run.takeBest(options.out)
    yield await emit({
      type: 'run-end',
      steps,
      seconds: (performance.now() - began) / 1000,
      out: options.out,
      cutTexts: state.cutTexts,
      metrics: best?.metrics,
    })
  } catch (error) {
    if (signal?.aborted && state.step > resumedFrom) await save()
    throw error
  } finally {
    await taker.close()
  }

  /** The steps of the run after one of them. */
  function* plan(after: number): Generator<Planned> {
    let step = 0
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      const batches = batchesOf(epoch).map((positions) => positions.flatMap((at) => pairs[at] ?? []))
      for (let first = 0; first < batches.length; first += settings.accumulate) {
        step += 1
        if (step <= after) continue
        const parts = batches.slice(first, first + settings.accumulate)
        yield { step, rate: rateOf(step), parts, epoch, epochEnds: first + settings.accumulate >= batches.length }
      }
    }
  }

  function rateOf(step: number): number {
    return rateAt(step, { rate: settings.learningRate, steps, warmup: settings.warmup, decay: settings.decay })
  }

  /** Exports the weights as they are and measures them as anyone would who loads them. */
  async function evaluate() {
    if (!evaluator) throw new QontrastError('internal', 'there is no evaluator')
    await exportTo(run.candidate)
    await using encoder = await loadEncoder(run.candidate, { device })
    const metrics = await evaluator(encoder, signal ? { signal } : {})
    const value = metrics[evaluator.primaryMetric] ?? Number.NaN
    const before = state.best?.metrics[evaluator.primaryMetric]
    const better = before === undefined || (evaluator.higherIsBetter ? value > before : value < before)
    const best = state.step > 0 && better
    if (best) {
      await run.keepCandidate()
      state = { ...state, best: { step: state.step, metrics } }
    }
    return { type: 'evaluate-end', step: state.step, metric: evaluator.primaryMetric, metrics, best } as const
  }
}

async function pairsOf(
  { pairs: given, columns, where, skipBadLines }: FinetuneOptions,
  onWarning: (message: string) => void,
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
    onWarning(
      `${path.basename(given)}: ${skipped.length} bad lines were left out (${skipped.slice(0, 5).join(', ')}${skipped.length > 5 ? ', …' : ''}).`,
    )
  }
  return { pairs, read }
}

function isDue(every: number | undefined, step: number): boolean {
  return every !== undefined && step % every === 0
}
