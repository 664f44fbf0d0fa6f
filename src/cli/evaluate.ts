import { Command, InvalidArgumentError, Option } from 'commander'
import {
  type EvaluationTask,
  evaluationTasks,
  isMeasure,
  type Measure,
  type ReadRetrievalOptions,
  readRetrievalQueries,
  taskOf,
} from '../evaluate/index.ts'
import { type EvaluateSearchOptions, evaluateSearch, openIndex, type SearchEvaluation } from '../index/index.ts'
import { QontrastError } from '../shared/index.ts'
import { addChunkFlags, type ChunkFlags, chunking } from './chunk-flags.ts'
import { openEvaluator, type RetrievalNotes, retrievalNotes } from './evaluator.ts'
import { abortOnInterrupt } from './interrupt.ts'
import {
  deviceOption,
  dimensionsOption,
  dtypeOption,
  filterOption,
  jsonOption,
  type ModelFlags,
  modelOption,
  modeOption,
  openEncoder,
  pathOption,
  storeOption,
  workersOption,
} from './options.ts'
import { count, createProgressLine } from './progress-line.ts'
import { rolesNamed } from './roles-named.ts'
import { fusionOption, minScoreOption, type RankFlags, rankOptions } from './search-flags.ts'
import { openStore, type StoreFlags } from './store-address.ts'

interface EvaluateFlags
  extends ModelFlags,
    StoreFlags,
    ChunkFlags,
    Pick<RankFlags, 'mode' | 'fusion' | 'minScore' | 'exact' | 'filter'> {
  readonly task?: EvaluationTask
  readonly data: string
  readonly split?: string
  readonly qrels?: string
  readonly columns?: Readonly<Record<string, string>>
  readonly index?: string
  readonly measures?: readonly Measure[]
  readonly ownIds?: boolean
  readonly json?: boolean
}

export const evaluateCommand = (): Command =>
  addChunkFlags(
    new Command('evaluate')
      .description('Measure a model, or what search finds in an index, on labelled data.')
      .addOption(modelOption('default: that of --index, else the bundled one'))
      .addOption(deviceOption())
      .addOption(dtypeOption())
      .addOption(dimensionsOption())
      .addOption(workersOption())
      .addOption(
        new Option('--task <task>', 'what to measure (default: what the data is for)').choices(evaluationTasks),
      )
      .requiredOption(
        '--data <place>',
        'retrieval: a folder with corpus, queries and qrels (BEIR, TREC); similarity: a file of sentence1, sentence2, score; knn: a folder with train and test of text, label (docs/evaluating.md)',
      )
      .option('--split <name>', 'which judgements or test file of the folder (test)')
      .option('--qrels <file>', 'judgements elsewhere: of BEIR, or of TREC')
      .option(
        '--columns <role=name,…>',
        'which columns are first, second, score (similarity) or text, label (knn), where their names do not say it; positions for a file without a header',
        columnsArgument,
      )
      .option('--index <name>', 'ask this index, instead of one that is made of the corpus for the occasion')
      .addOption(pathOption())
      .addOption(storeOption())
      .addOption(modeOption())
      .addOption(fusionOption())
      .addOption(minScoreOption())
      .option('--exact', 'compare with every vector, past any approximate index')
      .addOption(filterOption('with --index: only documents whose payload matches')),
  )
    .option(
      '--measures <list>',
      'ndcg, mrr, recall, map and precision at a depth (ndcg@10,mrr@10,recall@10,recall@100,map@100)',
      measuresArgument,
    )
    .option('--own-ids', 'count a document that has the id of the query, which BEIR leaves out')
    .addOption(jsonOption('the metrics on one line'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast evaluate --data ./scifact\n  qontrast evaluate --data ./scifact --mode dense --measures ndcg@10,precision@5\n  qontrast evaluate --index documents --data ./judged --filter \'{"source":"NHLBI"}\'\n  qontrast evaluate --model ./tuned --task knn --data ./banking77 --json\n  qontrast evaluate --data sts.tsv --columns first=a,second=b,score=gold',
    )
    .action(async (flags: EvaluateFlags) => {
      const { signal, stop } = abortOnInterrupt('what is being embedded is finished, nothing is kept')
      try {
        const metrics = await (flags.index === undefined
          ? measureModel(flags, signal)
          : measureIndex(flags, flags.index, signal))
        if (flags.json) console.log(JSON.stringify(metrics))
        else
          for (const [metric, value] of Object.entries(metrics)) console.log(`${metric.padEnd(15)}${value.toFixed(4)}`)
      } finally {
        stop()
      }
    })

async function measureModel(flags: EvaluateFlags, signal: AbortSignal) {
  if (flags.filter) throw new QontrastError('invalid-option', '--filter goes with --index: a corpus has no payload.')
  const { task = await taskOf(flags.data), data, columns } = flags
  refuseOthers(task, flags)
  const line = createProgressLine()
  const evaluator = await openEvaluator(
    { task, data, ...judgementOptions(flags), ...(columns ? { columns } : {}) },
    {
      ...searchOptions(flags),
      chunk: chunking(flags),
      onProgress: ({ documents, embedded }) =>
        line.update(`${count(documents, 'document')} indexed, ${count(embedded, 'chunk')} embedded`),
      onReport(report) {
        line.clear()
        tell(report)
      },
    },
  )
  await using encoder = await openEncoder(flags)
  return await evaluator(encoder, { signal })
}

/** A flag that would change nothing is a mistake. */
function refuseOthers(task: EvaluationTask, flags: EvaluateFlags): void {
  const own = task === 'retrieval' ? ofRetrieval : ofScores
  const other = [...ofRetrieval, ...ofScores].find((name) => flags[name] !== undefined && !own.includes(name))
  if (other === undefined) return
  const flag = `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  throw new QontrastError('invalid-option', `${flag} does not go with --task ${task}.`)
}

async function measureIndex(flags: EvaluateFlags, name: string, signal: AbortSignal) {
  if (flags.task !== undefined && flags.task !== 'retrieval')
    throw new QontrastError('invalid-option', `--index goes with --task retrieval, not ${flags.task}.`)
  if (!flags.chunk || flags.chunkTokens !== undefined || flags.chunkOverlap !== undefined)
    throw new QontrastError(
      'invalid-option',
      'An index has its chunks already: leave out --index, or the flags of chunks.',
    )
  refuseOthers('retrieval', flags)
  const data = await readRetrievalQueries(flags.data, judgementOptions(flags))
  await using store = openStore(flags)
  await using encoder = await openEncoder(flags, { store, index: name })
  await using index = await openIndex({ name, encoder, store })
  const filter = flags.filter ? { filter: flags.filter } : {}
  const report = await evaluateSearch(index, data, { ...searchOptions(flags), ...filter, signal })
  tell({ ...report, documents: await index.count(flags.filter) })
  return report.metrics
}

function searchOptions(flags: EvaluateFlags): Omit<EvaluateSearchOptions, 'filter' | 'signal'> {
  const { measures, ownIds: keepOwnIds = false } = flags
  return { ...rankOptions(flags), keepOwnIds, ...(measures ? { measures } : {}) }
}

function judgementOptions({ split, qrels }: EvaluateFlags): ReadRetrievalOptions {
  return { ...(split ? { split } : {}), ...(qrels ? { qrels } : {}) }
}

function tell(report: SearchEvaluation & RetrievalNotes): void {
  for (const sentence of retrievalNotes(report)) console.error(sentence)
}

const ofRetrieval: readonly (keyof EvaluateFlags)[] = [
  'mode',
  'minScore',
  'exact',
  'measures',
  'qrels',
  'ownIds',
  'chunkTokens',
  'chunkOverlap',
]
const ofScores: readonly (keyof EvaluateFlags)[] = ['columns']

const roles = ['first', 'second', 'score', 'text', 'label'] as const

function columnsArgument(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...before, ...Object.fromEntries(rolesNamed(text, roles).map(({ role, name }) => [role, name])) }
}

function measuresArgument(text: string): readonly Measure[] {
  const measures = text.split(',').map((one) => one.trim().toLowerCase())
  const valid = measures.filter(isMeasure)
  if (valid.length === measures.length) return valid
  throw new InvalidArgumentError(
    'Measures are ndcg, mrr, recall, map or precision with a depth of 1 to 1000, such as ndcg@10,recall@100.',
  )
}
