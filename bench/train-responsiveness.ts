/**
 * What an application feels while it trains: delay of the event loop during the steps of all-MiniLM-L6-v2, beside how long a step takes and what the process holds.
 *
 *     npm run bench:train
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { finetune } from '../src/main.ts'
import { intentPairs, sharedPath } from './support/data.ts'
import { machine, median } from './support/sides.ts'

const model = sharedPath('models', 'all-minilm-l6-v2')
const batchSize = Number(process.argv[2] ?? 32)
const steps = Number(process.argv[3] ?? 24)
/** The first steps load sessions. */
const warmUp = 4

const out = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
const delay = monitorEventLoopDelay({ resolution: 1 })
const times: number[] = []
let last = performance.now()
for await (const event of finetune({
  model,
  pairs: (await intentPairs()).slice(0, batchSize * steps),
  out,
  batchSize,
})) {
  if (event.type !== 'step-end') continue
  if (event.step > warmUp) times.push(performance.now() - last)
  if (event.step === warmUp) delay.enable()
  if (event.step === event.steps) delay.disable()
  last = performance.now()
}
await rm(out, { recursive: true })

const delays = [delay.percentile(50), delay.percentile(99), delay.max].map((nanoseconds) =>
  (nanoseconds / 1e6).toFixed(1),
)
console.log(`steps of ${batchSize} pairs of BANKING77 · ${machine()}\n`)
console.log('| ms a step, median | event-loop delay p50, p99 (goal < 20), max ms | peak memory MB |\n|---|---|---|')
console.log(
  `| ${median(times).toFixed(0)} | ${delays.join(', ')} | ${(process.resourceUsage().maxRSS / 1e3).toFixed(0)} |`,
)
