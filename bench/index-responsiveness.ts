/**
 * What an application feels while it indexes at full speed with MiniLM: delay of the event loop, and how long a query takes.
 *
 *     npm run bench:index
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { loadEncoder, openIndex } from '../src/main.ts'
import { sharedPath, textsOf } from './support/data.ts'
import { machine, median, percentile } from './support/sides.ts'

const documents = ((await textsOf['scifact']?.()) ?? []).map((text, i) => ({ id: `d${i}`, text }))
await using encoder = await loadEncoder(sharedPath('models', 'all-minilm-l6-v2'), { device: 'cpu' })
await using index = await openIndex({
  name: 'bench',
  encoder,
  path: await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')),
})
await index.add(documents.slice(0, 32))

/** One batch is 2,048 tokens: 8 texts at the model's maximum. */
const fullBatch = Array<string>(8).fill('word '.repeat(400))
const batchTimes: number[] = []
for (let i = 0; i < 8; i++) batchTimes.push(await timed(() => encoder.encode(fullBatch)))
const batch = median(batchTimes)

const delay = monitorEventLoopDelay({ resolution: 1 })
const queries: number[] = []
let indexing = true
delay.enable()
const started = performance.now()
const work = index.add(documents).finally(() => {
  indexing = false
})
while (indexing) {
  queries.push(await timed(() => encoder.encode(['does vitamin D protect the heart?'], { purpose: 'query' })))
  await new Promise((resolve) => setTimeout(resolve, 25))
}
await work
delay.disable()

const milliseconds = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(1)
console.log(`MiniLM-L6 fp32, ${documents.length} SciFact documents indexed, a query every 25 ms · ${machine()}\n`)
console.log(
  `documents/s while answering ${queries.length} queries: ${(documents.length / ((performance.now() - started) / 1000)).toFixed(1)}`,
)
console.log(
  `event-loop delay: p50 ${milliseconds(delay.percentile(50))} ms, p99 ${milliseconds(delay.percentile(99))} ms, max ${milliseconds(delay.max)} ms (goal: p99 < 20 ms)`,
)
console.log(
  `one full batch: ${batch.toFixed(0)} ms; query p50 ${percentile(queries, 0.5).toFixed(0)} ms, p99 ${percentile(queries, 0.99).toFixed(0)} ms = ${(percentile(queries, 0.99) / batch).toFixed(2)} × a batch (goal: ≤ 3)`,
)

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
