/**
 * What a document costs: disk, memory and time of indexing, of a search and of a single put, as an index on LanceDB grows. Answers of MedQuAD,
 * given again under other ids where they do not suffice. docs/capacity.md has the formula that these figures go into.
 *
 *     npm run bench:capacity                                            2,000, 8,000 and 32,000 documents, the bundled encoder
 *     npm run bench:capacity -- ../shared/models/all-minilm-l6-v2 200 800
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { medQuadTask } from '../examples/medquad.ts'
import { lancedb, loadEncoder, openIndex } from '../src/main.ts'
import { machine, percentile } from './support/sides.ts'

const [model = 'default', ...given] = process.argv.slice(2)
const sizes = given.length > 0 ? given.map(Number) : [2_000, 8_000, 32_000]
const { documents, queries } = await medQuadTask()
const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
await using encoder = await loadEncoder(model)
await using store = lancedb({ path: folder })
const index = await openIndex({ name: 'docs', encoder, store })
const document = (i: number) => ({ ...documents[i % documents.length]!, id: `d${i}` })
let merging = 0
store.onMaintenance?.(({ seconds }) => {
  merging = seconds || merging
})

async function times(count: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const list: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await work(i)
    list.push(performance.now() - start)
  }
  return list
}
const median = (list: readonly number[]) => percentile(list, 0.5).toFixed(1)

console.log(`${machine()}, ${encoder.name}, ${encoder.dimensions} dimensions\n`)
console.log(
  '| documents | chunks | characters a document | documents/s | kB on disk a chunk | RSS MB | search ms (hybrid, dense) | put ms | merge s |\n|---|---|---|---|---|---|---|---|---|',
)
let from = 0
for (const size of sizes) {
  const start = performance.now()
  await index.add(Array.from({ length: size - from }, (_, i) => document(from + i)))
  const seconds = (performance.now() - start) / 1_000
  const { points, bytes = 0 } = await index.info()
  const ask = (mode: 'hybrid' | 'dense') => times(100, (i) => index.search(queries[i]!.text, { mode }))
  await ask('hybrid')
  const searches = `${median(await ask('hybrid'))}, ${median(await ask('dense'))}`
  const puts = median(await times(30, (i) => index.add([{ id: `single ${size} ${i}`, text: queries[i]!.text }])))
  const characters = Array.from({ length: size }, (_, i) => document(i).text.length).reduce((a, b) => a + b, 0) / size
  await store.optimize('docs')
  const rss = (process.memoryUsage.rss() / 1e6).toFixed(0)
  console.log(
    `| ${size} | ${points} | ${characters.toFixed(0)} | ${((size - from) / seconds).toFixed(0)} | ${(bytes / points / 1_000).toFixed(2)} | ${rss} | ${searches} | ${puts} | ${merging.toFixed(1)} |`,
  )
  from = size
}
await index.close()
await rm(folder, { recursive: true, force: true })
