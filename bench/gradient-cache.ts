/**
 * Memory and time of a step, all texts at once and by the gradient cache: 64 texts of several lengths, for all-MiniLM-L6-v2 and a model of two layers of 32,
 * and which way training takes; then 64 pairs of BANKING77 beside 4,096. Each in a process of its own; the time is the CPU's, which other programs disturb less.
 *
 *     npm run bench:cache
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createStepTaker } from '../src/finetune/engine/take-steps.ts'
import { runSettings } from '../src/finetune/options.ts'
import type { Pair } from '../src/main.ts'
import { openTraining } from '../test/support/training.ts'
import { intentPairs, sharedPath } from './support/data.ts'
import { machine, median } from './support/sides.ts'

const models: Readonly<Record<string, string>> = {
  'all-MiniLM-L6-v2': sharedPath('models', 'all-minilm-l6-v2'),
  'a tiny BERT': fileURLToPath(new URL('../test/fixtures/models/bert-tracing', import.meta.url)),
}
const [minilm = '', tiny = ''] = Object.keys(models)

/** One measurement: so many pairs, of texts of half to all of `words`, or of BANKING77 where that is 0. */
interface Case {
  readonly model: string
  readonly pairs: number
  readonly words: number
  /** `auto` is what training chooses. */
  readonly way: 'at once' | 'chunks' | 'auto'
}

interface Measured {
  /** CPU seconds a step. */
  readonly seconds: number
  /** Megabytes of the process: at most, and before its first step. */
  readonly peak: number
  readonly before: number
}

async function measure({ model, pairs: count, words, way }: Case): Promise<Measured> {
  const { facts, graphs, state, stepOf } = await openTraining(models[model] ?? '', { dropout: 0.1 })
  const chunkItems = { 'at once': 2 * count, chunks: 2 * count - 1, auto: null }[way]
  const settings = runSettings({ model, pairs: [], out: '', batchSize: count })
  const taker = createStepTaker({ facts, graphs, state, settings, device: 'cpu', threads: availableParallelism() })
  const pairs = words === 0 ? (await intentPairs()).slice(0, count) : synthetic(count, words)
  const before = process.memoryUsage().rss / 1e6
  const seconds: number[] = []
  for (let step = 1; step <= 3; step++) {
    const began = process.cpuUsage()
    await taker.take([await stepOf(step, [pairs], { chunkItems })])
    const { user, system } = process.cpuUsage(began)
    seconds.push((user + system) / 1e6)
  }
  return { seconds: median(seconds.slice(1)), peak: process.resourceUsage().maxRSS / 1e3, before }
}

/** Words of one token; two more tokens are special ones. */
function synthetic(count: number, words: number): Pair[] {
  const text = (i: number) => {
    const length = Math.round((words - 2) * (0.5 + i / (4 * count)))
    return Array.from({ length }, (_, word) => ['one', 'two', 'three', 'four', 'five'][(i + word * word) % 5]).join(' ')
  }
  return Array.from({ length: count }, (_, i) => ({ anchor: text(2 * i), positive: text(2 * i + 1) }))
}

function inProcess(one: Case): Measured {
  const self = fileURLToPath(import.meta.url)
  return JSON.parse(execFileSync(process.execPath, [self, '--case', JSON.stringify(one)], { encoding: 'utf8' }))
}

const { values } = parseArgs({ options: { case: { type: 'string' } } })
if (values.case !== undefined) console.log(JSON.stringify(await measure(JSON.parse(values.case))))
else {
  console.log(
    `${machine()}\n\n| model, 64 texts | at once: CPU, over the model | in chunks | time, memory | training takes |\n|---|---|---|---|---|`,
  )
  for (const [model, lengths] of [
    [minilm, [32, 64, 128, 192, 256]],
    [tiny, [32]],
  ] as const) {
    for (const words of lengths) {
      const [once, chunks, auto] = (['at once', 'chunks', 'auto'] as const).map((way) =>
        inProcess({ model, pairs: 32, words, way }),
      )
      if (!once || !chunks || !auto) continue
      const said = ({ seconds, peak, before }: Measured) => `${seconds.toFixed(2)} s, ${(peak - before).toFixed(0)} MB`
      const takes = Math.abs(auto.peak - once.peak) < Math.abs(auto.peak - chunks.peak) ? 'at once' : 'chunks'
      const memory = (chunks.peak - chunks.before) / (once.peak - once.before)
      const ratios = `${(chunks.seconds / once.seconds).toFixed(2)} ×, ${memory.toFixed(2)} ×`
      console.log(`| ${model}, to ${words} tokens | ${said(once)} | ${said(chunks)} | ${ratios} | ${takes} |`)
    }
  }
  const [small, large] = [64, 4_096].map((pairs) => inProcess({ model: minilm, pairs, words: 0, way: 'auto' }))
  console.log(
    `\n64 pairs of BANKING77: ${small?.peak.toFixed(0)} MB in all; 4,096 by the gradient cache: ${large?.peak.toFixed(0)} MB, ${((large?.peak ?? 0) / (small?.peak ?? 1)).toFixed(2)} × (goal: ≤ 1.3)`,
  )
}
