import { Command, Option } from 'commander'
import {
  type Evaluator,
  knnEvaluator,
  readLabelledData,
  readRetrievalData,
  readSimilarityData,
  retrievalEvaluator,
  similarityEvaluator,
} from '../evaluate/index.ts'
import { QontrastError } from '../shared/index.ts'
import { abortOnInterrupt } from './interrupt.ts'
import {
  deviceOption,
  dimensionsOption,
  dtypeOption,
  jsonOption,
  type ModelFlags,
  modelOption,
  openEncoder,
  workersOption,
} from './options.ts'

const tasks: Readonly<Record<string, (folder: string) => Promise<Evaluator>>> = {
  retrieval: async (folder) => retrievalEvaluator(await readRetrievalData(folder)),
  similarity: async (folder) => similarityEvaluator(await readSimilarityData(folder)),
  knn: async (folder) => knnEvaluator(await readLabelledData(folder)),
}

interface EvaluateFlags extends ModelFlags {
  readonly task: string
  readonly data: string
  readonly json?: boolean
}

export const evaluateCommand = (): Command =>
  new Command('evaluate')
    .description('Measure a model on labelled data.')
    .addOption(modelOption('default: the bundled one'))
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(dimensionsOption())
    .addOption(workersOption())
    .addOption(new Option('--task <task>', 'what to measure').choices(Object.keys(tasks)).default('retrieval'))
    .requiredOption(
      '--data <folder>',
      'retrieval: corpus.jsonl, queries.jsonl, qrels/test.tsv (BEIR); similarity: a CSV of sentence1, sentence2, score; knn: train.csv and test.csv of text, category',
    )
    .addOption(jsonOption('the metrics on one line'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast evaluate --task retrieval --data ./scifact\n  qontrast evaluate --model ./tuned --task knn --data ./banking77 --json',
    )
    .action(async (flags: EvaluateFlags) => {
      const { signal, stop } = abortOnInterrupt()
      const task = tasks[flags.task]
      if (!task) throw new QontrastError('invalid-option', `task must be one of ${Object.keys(tasks).join(', ')}.`)
      const evaluator = await task(flags.data)
      await using encoder = await openEncoder(flags)
      const metrics = await evaluator(encoder, { signal }).finally(stop)
      if (flags.json) console.log(JSON.stringify(metrics))
      else for (const [metric, value] of Object.entries(metrics)) console.log(`${metric.padEnd(12)}${value.toFixed(4)}`)
    })
