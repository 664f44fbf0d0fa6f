/**
 * Resident memory while documents without end are indexed with the bundled encoder.
 *
 *     npm run bench:ingest                        # 100,000 documents
 *     npm run bench:ingest -- 100000 prune        # once more in the same process, unchanged, with every document marked as seen
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type AddOptions, type AddReport, loadEncoder, openIndex } from '../src/main.ts'
import { machine } from './support/sides.ts'

const total = Number(process.argv[2] ?? 100_000)
const step = 10_000

function* documents() {
  for (let i = 0; i < total; i++)
    yield {
      id: `d${i}`,
      text: `Document ${i} says something about number ${i % 997}. `.repeat(12),
      payload: { group: i % 50 },
    }
}

await using encoder = await loadEncoder()
await using index = await openIndex({
  name: 'bench',
  encoder,
  path: await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')),
})
console.log(
  `${total} documents · ${machine()}\n\n| documents | RSS MB | of it JavaScript heap | external |\n|---|---|---|---|`,
)
await run({})
if (process.argv[3] === 'prune') console.log(await run({ prune: true }))

async function run(options: AddOptions): Promise<AddReport> {
  let next = step
  return index.add(documents(), {
    ...options,
    onProgress: ({ documents: stored }) => {
      if (stored < next) return
      const { rss, heapUsed, external } = process.memoryUsage()
      console.log(`| ${stored} | ${[rss, heapUsed, external].map((bytes) => (bytes / 1e6).toFixed(0)).join(' | ')} |`)
      next += step
    },
  })
}
