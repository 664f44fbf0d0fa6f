/**
 * Peak memory of a step of all-MiniLM-L6-v2 on BANKING77's pairs: 64 pairs at once, and 4,096 by the gradient cache. Each in a process of its own.
 *
 *     npm run bench:cache
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { locateModel, readTransformer } from '../src/embed/index.ts'
import { createTokenize } from '../src/finetune/data/collate.ts'
import { infoNce } from '../src/finetune/losses/info-nce.ts'
import { adamW } from '../src/finetune/optimizer/adamw.ts'
import { createParameters } from '../src/finetune/optimizer/parameters.ts'
import { runSettings } from '../src/finetune/options.ts'
import { tablesOf } from '../src/finetune/train/step-graph.ts'
import { createStepTaker } from '../src/finetune/train/take-step.ts'
import { readTower } from '../src/finetune/train/tower.ts'
import { intentPairs, sharedPath } from './support/data.ts'
import { machine } from './support/sides.ts'

/** Two steps; prints seconds a step and the peak in MB. */
async function measure(batchSize: number): Promise<void> {
  const files = await readTransformer(await locateModel(sharedPath('models', 'all-minilm-l6-v2')), { dtype: 'fp32' })
  const tower = await readTower(files, { dropout: 0.1 })
  const optimizer = adamW()
  const parameters = createParameters(tower.parameters, optimizer, tablesOf(tower))
  const settings = runSettings({ model: '', pairs: [], out: '', batchSize })
  const tokenize = createTokenize(files, undefined)
  const threads = availableParallelism()
  const taker = createStepTaker({
    tower,
    files,
    loss: infoNce(),
    optimizer,
    parameters,
    settings,
    tokenize,
    device: 'cpu',
    threads,
  })
  const pairs = (await intentPairs()).slice(0, batchSize)
  const began = performance.now()
  for (let step = 1; step <= 2; step++) await taker.take([{ step, rate: 2e-5, parts: [pairs] }])
  const seconds = (performance.now() - began) / 2000
  console.log(JSON.stringify({ seconds, peak: process.resourceUsage().maxRSS / 1e3 }))
}

const own = process.argv[2]
if (own !== undefined) await measure(Number(own))
else {
  const results = [64, 4_096].map((batchSize) => {
    const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), String(batchSize)], {
      encoding: 'utf8',
    })
    const result: { seconds: number; peak: number } = JSON.parse(output)
    return { batchSize, ...result }
  })
  const [small, large] = results.map(({ peak }) => peak)
  console.log(`${machine()}\n\n| pairs a step | seconds | peak memory MB |\n|---|---|---|`)
  for (const { batchSize, seconds, peak } of results)
    console.log(`| ${batchSize} | ${seconds.toFixed(1)} | ${peak.toFixed(0)} |`)
  console.log(`\n${((large ?? 0) / (small ?? 1)).toFixed(2)} × the memory for 64 × the pairs (goal: ≤ 1.3)`)
}
