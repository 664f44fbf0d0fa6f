import { Command, Option } from 'commander'
import { type EvaluationTask, type Evaluator, evaluationTasks, taskOf } from '../evaluate/index.ts'
import { type FinetuneEvent, type FinetuneOptions, finetune, type RunEnd, type RunStart } from '../finetune/index.ts'
import type { RetrievalReport } from '../index/index.ts'
import type { Device } from '../runtime/index.ts'
import { isQontrastError } from '../shared/index.ts'
import { openEvaluator, retrievalNotes } from './evaluator.ts'
import { abortOnInterrupt } from './interrupt.ts'
import { anyNumber, deviceOption, jsonOption, wholeNumber } from './options.ts'
import { addPairFlags, type PairFlags, reportLines } from './pair-flags.ts'
import { count, createProgressLine, duration, megabytes, number, type ProgressLine } from './progress-line.ts'

interface FinetuneFlags extends PairFlags, Partial<Pick<FinetuneOptions, Numbers>> {
  readonly model: string
  readonly out: string
  readonly device: Device
  readonly schedule?: NonNullable<FinetuneOptions['schedule']>
  readonly resume?: boolean
  readonly evaluate?: string
  readonly evaluateTask?: EvaluationTask
  readonly json?: boolean
}

type Numbers = (typeof numbers)[number]
const numbers = [
  'epochs',
  'batchSize',
  'learningRate',
  'warmup',
  'temperature',
  'weightDecay',
  'dropout',
  'clip',
  'maxTokens',
  'cacheChunk',
  'accumulate',
  'seed',
  'evaluateEvery',
  'checkpointEvery',
] as const

export const finetuneCommand = (): Command =>
  addPairFlags(
    new Command('finetune')
      .description('Train a model on your own pairs of texts, and write a model folder.')
      .requiredOption('--model <name>', 'folder or hub name of a transformer with fp32 weights in ONNX'),
  )
    .requiredOption(
      '--out <folder>',
      'where the trained model goes; run/ in it keeps settings, metrics and checkpoints',
    )
    .option(
      '--epochs <n>',
      'times that all pairs are seen (1); with --resume it may be more than before',
      wholeNumber(1),
    )
    .option('--batch-size <n>', 'pairs a step: each is told apart from the others (64)', wholeNumber(2))
    .option('--learning-rate <x>', 'highest learning rate (2e-5)', anyNumber)
    .option('--warmup <share>', 'share of the steps over which the rate rises (0.1)', anyNumber)
    .addOption(
      new Option('--schedule <shape>', 'how the rate falls then (linear)').choices(['linear', 'cosine', 'constant']),
    )
    .option('--temperature <x>', 'what similarities are divided by (0.05)', anyNumber)
    .option('--weight-decay <x>', 'not applied to biases, norms, positions (0)', anyNumber)
    .option('--dropout <x>', 'probability with which values are dropped while training (0.1)', anyNumber)
    .option('--clip <x>', 'gradients are scaled down to this norm; 0 leaves them as they are (1)', anyNumber)
    .option(
      '--max-tokens <n>',
      'cut longer texts, now and in the trained model (default: what the model reads)',
      wholeNumber(3),
    )
    .option(
      '--cache-chunk <n>',
      'texts encoded at once by the gradient cache, for large batches in little memory',
      wholeNumber(1),
    )
    .option('--accumulate <n>', 'batches averaged before the weights move (1)', wholeNumber(1))
    .addOption(deviceOption())
    .option('--seed <n>', 'the same seed gives the same weights (42)', wholeNumber(0))
    .option('--resume', 'go on from the last checkpoint in --out, with the same settings or with more epochs')
    .option(
      '--evaluate <place>',
      'measure on data as qontrast evaluate does, before and after every epoch: nDCG@10 of dense search, Spearman, or kNN accuracy; the best weights are exported, be they the untrained ones',
    )
    .addOption(
      new Option('--evaluate-task <task>', 'what to measure (default: what the data is for)').choices(evaluationTasks),
    )
    .option('--evaluate-every <n>', 'steps between measurements', wholeNumber(1))
    .option('--checkpoint-every <n>', 'steps between checkpoints (one is written after every epoch)', wholeNumber(1))
    .addOption(jsonOption('every event, one a line,'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast finetune --model ./all-MiniLM-L6-v2 --pairs pairs.jsonl --out ./tuned\n  qontrast finetune --model ./all-MiniLM-L6-v2 --pairs pairs.csv --out ./tuned --epochs 3 --batch-size 1024 --evaluate ./scifact\n  qontrast finetune --model ./all-MiniLM-L6-v2 --pairs pairs.jsonl --out ./tuned --resume\n\nA line of pairs.jsonl:\n  {"anchor": "how is asthma treated?", "positive": "Asthma is treated with inhalers.", "negative": "Asthma is a disease of the lungs."}',
    )
    .action(async (flags: FinetuneFlags) => {
      const { signal, stop } = abortOnInterrupt('the step that is being taken is finished, and a checkpoint written')
      const evaluator = flags.evaluate === undefined ? undefined : await evaluatorOf(flags.evaluate, flags.evaluateTask)
      const options: FinetuneOptions = {
        model: flags.model,
        pairs: flags.pairs,
        out: flags.out,
        device: flags.device,
        resume: flags.resume ?? false,
        ...(flags.columns ? { columns: flags.columns } : {}),
        ...(flags.where ? { where: flags.where } : {}),
        skipBadLines: flags.skipBadLines ?? false,
        signal,
        onWarning: (message) => console.error(`warning: ${message}`),
        ...(flags.schedule ? { schedule: flags.schedule } : {}),
        ...(evaluator ? { evaluator } : {}),
        ...Object.fromEntries(numbers.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]]))),
      }
      try {
        await follow(finetune(options), flags.json ?? false)
      } finally {
        stop()
      }
    })

/** Of search it measures mode dense, which is what training changes. */
async function evaluatorOf(data: string, task?: EvaluationTask): Promise<Evaluator> {
  let told = false
  const onReport = (report: RetrievalReport) => {
    for (const sentence of told ? [] : retrievalNotes(report)) console.error(sentence)
    told = true
  }
  return openEvaluator({ task: task ?? (await taskOf(data)), data }, { mode: 'dense', onReport })
}

/** Prints a run: a live line while it goes, and what remains to be known. */
async function follow(events: AsyncIterable<FinetuneEvent>, json: boolean): Promise<void> {
  const line = createProgressLine()
  let taken = 0
  try {
    for await (const event of events) {
      if (event.type === 'step-end') taken = event.step
      if (json) console.log(JSON.stringify(event))
      else print(event, line)
    }
  } catch (error) {
    line.clear()
    if (isQontrastError(error, 'aborted'))
      console.error(
        taken > 0
          ? `Stopped after step ${number(taken)}: --resume goes on from there.`
          : 'Stopped before the first step.',
      )
    throw error
  }
}

function print(event: FinetuneEvent, line: ProgressLine): void {
  switch (event.type) {
    case 'run-start':
      for (const text of event.data ? reportLines(event.data) : []) console.error(text)
      for (const text of startLines(event)) console.log(text)
      break
    case 'step-end': {
      const state = `step ${number(event.step)}/${number(event.steps)}  loss ${event.loss.toFixed(4)}`
      const pace = `rate ${event.rate.toExponential(1)}  ${number(event.examplesPerSecond)} pairs/s`
      if (event.step === event.steps) line.done(state)
      else line.update(`${state}  ${pace}  ${duration(event.secondsLeft)} left  ${megabytes(event.memory)}`)
      break
    }
    case 'evaluate-end': {
      line.clear()
      const metrics = Object.entries(event.metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`)
      const place = event.step === 0 ? 'before' : `step ${number(event.step)}`
      console.log(`${place}: ${metrics.join('  ')}${event.best && event.step > 0 ? '  (best so far)' : ''}`)
      break
    }
    case 'checkpoint-end':
      break
    case 'run-end':
      for (const text of endLines(event)) console.log(text)
  }
}

function startLines({ examples, usedExamples, batches, steps, parameters, device, resumedFrom }: RunStart): string[] {
  const { smallest, largest } = batches
  const size = smallest === largest ? number(largest) : `${number(smallest)} to ${number(largest)}`
  const taken = resumedFrom === steps ? ', all taken before' : `, going on after step ${number(resumedFrom)}`
  const from = resumedFrom > 0 ? taken : ''
  return [
    `used ${number(usedExamples)} of ${count(examples, 'pair')}, in batches of ${size}`,
    `${count(steps, 'step')}, ${number(parameters / 1e6, 1)} M weights, on ${device}${from}`,
  ]
}

function endLines({ steps, fewSteps, seconds, out, cutInputs, exportedStep, metrics }: RunEnd): string[] {
  const cut = cutInputs > 0 ? [`texts longer than the model reads were cut ${count(cutInputs, 'time')}`] : []
  const few = fewSteps ? ', too few to change it much' : ''
  const done = `Trained in ${duration(seconds)}, ${count(steps, 'step')}${few}.`
  const place = `use it as --model ${out}`
  if (exportedStep === 0) {
    const kept = 'No measurement was better than the one before training: the weights in'
    return [...cut, `${done} ${kept} ${out} are the untrained ones.`]
  }
  const which = metrics && exportedStep < steps ? ` with the weights of step ${number(exportedStep)}, the best` : ''
  return [...cut, `${done} The model is in ${out}${which}: ${place}`]
}
