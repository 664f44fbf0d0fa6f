/**
 * What an application feels while it indexes at full speed: delay of the event loop, and how long a query takes.
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
const query = 'does vitamin D protect the heart?'
/** 2,048 tokens: 8 texts at MiniLM's maximum. */
const fullBatch = Array<string>(8).fill('word '.repeat(400))

console.log(`${documents.length} SciFact documents indexed, a query every 25 ms meanwhile · ${machine()}\n`)
console.log(
  '| encoder | documents/s | event-loop delay p50, p99 (goal < 20), max ms | query p50, p99 ms | one full batch ms | p99 query / batch (goal ≤ 3) |',
)
console.log('|---|---|---|---|---|---|')
for (const model of ['default', sharedPath('models', 'all-minilm-l6-v2')]) {
  await using encoder = await loadEncoder(model, { device: 'cpu' })
  await using index = await openIndex({
    name: 'bench',
    encoder,
    path: await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')),
  })
  await index.add(documents.slice(0, 32))
  const batches: number[] = []
  for (let i = 0; i < 8; i++) batches.push(await timed(() => encoder.encode(fullBatch)))

  const delay = monitorEventLoopDelay({ resolution: 1 })
  const queries: number[] = []
  let indexing = true
  delay.enable()
  const started = performance.now()
  const work = index.add(documents).finally(() => {
    indexing = false
  })
  while (indexing) {
    queries.push(await timed(() => encoder.encode([query], { purpose: 'query' })))
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  await work
  delay.disable()

  const rate = documents.length / ((performance.now() - started) / 1000)
  const delays = [delay.percentile(50), delay.percentile(99), delay.max].map((nanoseconds) =>
    (nanoseconds / 1e6).toFixed(1),
  )
  const [middle, slow, batch] = [percentile(queries, 0.5), percentile(queries, 0.99), median(batches)]
  console.log(
    `| ${path.basename(model)} | ${rate.toFixed(1)} | ${delays.join(', ')} | ${middle.toFixed(0)}, ${slow.toFixed(0)} | ${batch.toFixed(0)} | ${(slow / batch).toFixed(2)} |`,
  )
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
