/**
 * Whole fine-tuning runs of all-MiniLM-L6-v2: one epoch, learning rate 2e-5, warm-up 10 %. BANKING77: 4,978 pairs of the same intent, batch 64, kNN accuracy.
 * SciFact: 919 judged pairs, batch 32, 256 tokens, nDCG@10, and STS-B after. sentence-transformers takes the same pairs where PYTHON names an interpreter that has it
 * and PYTORCH_MODEL the folder with PyTorch's weights.
 *
 *     npm run bench:finetune -- banking77 [SEED …]
 *     npm run bench:finetune -- scifact
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Evaluator,
  finetune,
  knnEvaluator,
  loadEncoder,
  type Pair,
  readLabelledData,
  readSimilarityData,
  retrievalEvaluator,
  similarityEvaluator,
} from '../src/main.ts'
import { intentPairs, wholeSciFact } from './support/data.ts'
import { findPyTorch } from './support/pytorch.ts'
import { machine } from './support/sides.ts'

const pytorch = findPyTorch('sentence-transformers')

const shared = (name: string) => fileURLToPath(new URL(`../../shared/${name}`, import.meta.url))
const model = shared('models/all-minilm-l6-v2')

interface Task {
  readonly batchSize: number
  readonly pairs: () => Promise<Pair[]>
  readonly evaluators: () => Promise<readonly Evaluator[]>
}

const tasks: Readonly<Record<string, Task>> = {
  banking77: {
    batchSize: 64,
    pairs: intentPairs,
    evaluators: async () => [knnEvaluator(await readLabelledData(shared('data/banking77')))],
  },
  scifact: {
    batchSize: 32,
    async pairs() {
      const { documents, queries, relevance } = await wholeSciFact('train')
      return [...relevance].flatMap(([query, judged]) =>
        [...judged.keys()].map((document) => ({
          anchor: queries.get(query) ?? '',
          positive: documents.get(document) ?? '',
        })),
      )
    },
    evaluators: async () => [
      retrievalEvaluator(await wholeSciFact('test'), { mode: 'dense', chunk: false, exact: true }),
      similarityEvaluator(await readSimilarityData(shared('data/stsb'))),
    ],
  },
}

const [name = 'banking77', ...seeds] = process.argv.slice(2)
const task = tasks[name]
if (!task) throw new Error(`known: ${Object.keys(tasks).join(', ')}`)
const pairs = await task.pairs()
const evaluators = await task.evaluators()
const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))

async function measure(place: string): Promise<string> {
  await using encoder = await loadEncoder(place, { device: 'cpu' })
  const values: string[] = []
  for (const evaluator of evaluators)
    values.push(`${evaluator.primaryMetric} ${((await evaluator(encoder))[evaluator.primaryMetric] ?? 0).toFixed(4)}`)
  return values.join(', ')
}

console.log(
  `${name}: ${pairs.length} pairs, batch ${task.batchSize} · ${machine()}\n\n| | pairs/s | measured | peak memory MB |\n|---|---|---|---|`,
)
console.log(`| before | | ${await measure(model)} | |`)
for (const seed of seeds.length > 0 ? seeds.map(Number) : [42]) {
  const out = path.join(folder, `seed-${seed}`)
  const began = performance.now()
  let memory = 0
  for await (const event of finetune({ model, pairs, out, batchSize: task.batchSize, seed, device: 'cpu' }))
    if (event.type === 'step-end') memory = Math.max(memory, event.memory)
  const seconds = (performance.now() - began) / 1000
  console.log(
    `| qontrast, seed ${seed} | ${(pairs.length / seconds).toFixed(1)} | ${await measure(out)} | ${(memory / 1e6).toFixed(0)} |`,
  )
}
if (pytorch) {
  const file = path.join(folder, 'pairs.jsonl')
  await writeFile(file, pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''))
  const peer = fileURLToPath(new URL('peers/finetune_sentence_transformers.py', import.meta.url))
  const out = path.join(folder, 'peer')
  const output = execFileSync(pytorch.python, [peer, file, String(task.batchSize), model, out], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  })
  const { rate, memory }: { rate: number; memory: number } = JSON.parse(output.trim().split('\n').at(-1) ?? '{}')
  console.log(`| sentence-transformers | ${rate.toFixed(1)} | ${await measure(out)} | ${memory.toFixed(0)} |`)
}
