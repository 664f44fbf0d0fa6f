/**
 * One training step of all-MiniLM-L6-v2: 32 texts of 64 tokens in one tower, InfoNCE, clipping, AdamW; PyTorch beside it where PYTHON names an interpreter that has
 * torch and transformers, and PYTORCH_MODEL the folder with its weights.
 *
 *     npm run bench:step
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createHostWay } from '../src/finetune/engine/ways/host.ts'
import { openTraining } from '../test/support/training.ts'
import { findPyTorch } from './support/pytorch.ts'
import { machine, median } from './support/sides.ts'

const pytorch = findPyTorch('torch and transformers')

const [texts, tokens, rounds, steps] = [32, 64, 3, 8]
const model = fileURLToPath(new URL('../../shared/models/all-minilm-l6-v2', import.meta.url))

const began = performance.now()
const { facts, graphs, state, processor } = await openTraining(model, { dropout: 0.1 })
const way = createHostWay({ facts, graphs, state, device: 'cpu', threads: availableParallelism() })

const idOf = (text: number, position: number) => 1000 + (((text * tokens + position) * 7919) % 20_000)
const items = Array.from({ length: texts }, (_, text) => {
  return { ids: Array.from({ length: tokens }, (__, position) => idOf(text, position)), skip: 0, cut: false }
})
const half = Array.from({ length: texts / 2 }, (_, i) => i)
const group = {
  pass: 'encoder',
  items: texts,
  feeds: processor.collate(items),
  sizes: { batch: texts, sequence: tokens },
}
const batch = {
  groups: [group],
  examples: texts / 2,
  rows: { anchor: half, positive: half.map((i) => i + texts / 2) },
  owners: {},
  cutItems: 0,
  atOnce: true,
}

let step = 0
async function own(): Promise<number> {
  const started = performance.now()
  step += 1
  await way.step([{ batch, seed: step }], { rate: 2e-5, weightDecay: 0.01, step, clip: 1, momenta: {} })
  return performance.now() - started
}

await own()
console.log(`from file to the end of the first step: ${((performance.now() - began) / 1000).toFixed(1)} s (goal: ≤ 5)`)
const times = { own: [] as number[], pytorch: [] as number[] }
for (let round = 0; round < rounds; round++) {
  for (let i = 0; i < steps; i++) times.own.push(await own())
  if (!pytorch) continue
  const peer = fileURLToPath(new URL('peers/finetune_step.py', import.meta.url))
  const output = execFileSync(pytorch.python, [peer, String(texts), String(tokens), String(steps)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  times.pytorch.push(...JSON.parse(output.trim().split('\n').at(-1) ?? '[]'))
}
await way.close()

console.log(
  `${texts} texts of ${tokens} tokens · ${machine()}\n\n| | ms a step, median | of PyTorch's (goal ≤ 0.75) | peak memory MB |\n|---|---|---|---|`,
)
const peak = (process.resourceUsage().maxRSS / 1e3).toFixed(0)
const reference = times.pytorch.length > 0 ? median(times.pytorch) : undefined
console.log(
  `| qontrast | ${median(times.own).toFixed(0)} | ${reference ? (median(times.own) / reference).toFixed(2) : '–'} | ${peak} |`,
)
if (reference) console.log(`| PyTorch | ${reference.toFixed(0)} | 1 | see peers/finetune_step.py |`)
