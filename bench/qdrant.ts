/**
 * What our code costs on Qdrant: its share of a search, MedQuAD against the embedded store, and 200,000 points with a kill at half.
 * The server is QDRANT_URL, or `qdrant` on PATH with a temporary folder. A debug build of it is many times slower than a release.
 *
 *     npm run bench:qdrant                    all of it
 *     npm run bench:qdrant -- search          or medquad, or bulk
 */
import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { QdrantClient } from '@qdrant/js-client-rest'
import { medQuadTask } from '../examples/medquad.ts'
import { isQontrastError, lancedb, loadEncoder, openIndex, qdrant, type VectorStore } from '../src/main.ts'
import { qdrantProgram, startQdrant, versionOf } from '../test/support/qdrant-server.ts'
import type { BulkLine } from './support/qdrant-bulk.ts'
import { machine, percentile } from './support/sides.ts'

const rounds = 300
const total = Number(process.argv[3] ?? 200_000)
const worker = fileURLToPath(new URL('support/qdrant-bulk.ts', import.meta.url))

const given = process.env['QDRANT_URL']
const program = qdrantProgram()
if (given === undefined && program === undefined) {
  console.log('skipped: no QDRANT_URL and no qdrant on PATH')
  process.exit(0)
}
const server = given === undefined ? await startQdrant(program ?? '') : undefined
const url = server?.url ?? given ?? ''
console.log(`Qdrant ${await versionOf(url)} · ${machine()}\n`)

const benches = { medquad, search, bulk }
const asked = process.argv[2]
for (const [name, bench] of Object.entries(benches)) if (asked === undefined || asked === name) await bench()
await server?.close()

/** The same documents, encoder and batches into both stores. */
async function medquad(): Promise<void> {
  const { documents } = await medQuadTask()
  await using encoder = await loadEncoder()
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
  const stores: Record<string, VectorStore> = { LanceDB: lancedb({ path: folder }), Qdrant: qdrant({ url }) }
  console.log('| MedQuAD into | chunks | s | of LanceDB | our CPU s |\n|---|---|---|---|---|')
  let first: number | undefined
  for (const [name, store] of Object.entries(stores)) {
    await using index = await emptyIndex(store, encoder)
    const cpu = process.cpuUsage()
    const start = performance.now()
    const { chunks } = await index.add(documents)
    const seconds = (performance.now() - start) / 1000
    const { user, system } = process.cpuUsage(cpu)
    first ??= seconds
    console.log(
      `| ${name} | ${chunks} | ${seconds.toFixed(1)} | ${(seconds / first).toFixed(2)} | ${((user + system) / 1e6).toFixed(1)} |`,
    )
    await store.close()
  }
}

async function emptyIndex(store: VectorStore, encoder: Awaited<ReturnType<typeof loadEncoder>>) {
  const before = await openIndex({ name: 'medquad', encoder, store })
  await before.drop().catch((error: unknown) => {
    if (!isQontrastError(error, 'index-not-found')) throw error
  })
  return openIndex({ name: 'medquad', encoder, store })
}

/** A search of ours and the same request through the client alone, in turn. */
async function search(): Promise<void> {
  const { documents } = await medQuadTask()
  await using encoder = await loadEncoder()
  await using store = qdrant({ url })
  await using index = await emptyIndex(store, encoder)
  await index.add(documents.slice(0, 4_000))
  const { collection } = await index.info()
  const vectors = await encoder.encode(
    documents.slice(0, rounds).map(({ title = '' }) => title),
    { purpose: 'query' },
  )
  const client = new QdrantClient({ url, checkCompatibility: false })
  const limit = 10
  const ours: number[] = []
  const theirs: number[] = []
  for (let i = 0; i < rounds; i++) {
    const vector = vectors.row(i)
    ours.push(await milliseconds(() => index.search({ vector }, { limit })))
    const request = { query: Array.from(vector), using: 'dense', limit: limit * 3, with_payload: true }
    theirs.push(await milliseconds(() => client.query(collection, request)))
  }
  const [own, bare] = [percentile(ours, 0.5), percentile(theirs, 0.5)]
  console.log('\n| a dense search, p50 | ms |\n|---|---|')
  console.log(`| \`index.search\` | ${own.toFixed(2)} |\n| the same request by the client alone | ${bare.toFixed(2)} |`)
  console.log(`| our share | ${(own - bare).toFixed(2)} |`)
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Synthetic points, killed at half and run again. */
async function bulk(): Promise<void> {
  await using store = qdrant({ url })
  for (const name of await store.list()) if (name.startsWith('bulk.')) await store.drop(name)
  console.log(`\n${total} points of 256 dimensions, killed at half\n`)
  console.log(
    '| run | stored | unchanged | embedded | points/s | RSS MB at 20 %, 50 %, 80 %, most |\n|---|---|---|---|---|---|',
  )
  const first = await run('killed', total / 2)
  const second = await run('again')
  const twice = first.embedded + second.embedded - total
  const lost = Math.max(0, first.stored - second.unchanged)
  console.log(
    `\nEmbedded twice: ${twice} texts of the batches under way at the kill; of what was acknowledged: ${lost}.`,
  )
}

async function run(name: string, killAt = Infinity): Promise<BulkLine> {
  const start = performance.now()
  const lines: BulkLine[] = []
  const child = spawn(process.execPath, [worker, url, String(total)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = new Promise((resolve) => child.once('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) {
    const parsed: BulkLine = JSON.parse(line)
    lines.push(parsed)
    if (parsed.stored >= killAt) child.kill('SIGKILL')
  }
  await closed
  const last = lines.at(-1) ?? { stored: 0, unchanged: 0, embedded: 0, megabytes: 0 }
  const rate = (last.stored - last.unchanged) / ((performance.now() - start) / 1000)
  const at = (share: number) => lines[Math.floor(lines.length * share)]?.megabytes ?? 0
  const memory = [at(0.2), at(0.5), at(0.8), Math.max(...lines.map(({ megabytes }) => megabytes))]
  console.log(
    `| ${name} | ${last.stored} | ${last.unchanged} | ${last.embedded} | ${rate.toFixed(0)} | ${memory.map((megabytes) => megabytes.toFixed(0)).join(', ')} |`,
  )
  return last
}
