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

/** What of a search is spent in our code, and what in the client's calls that it makes. */
async function search(): Promise<void> {
  const { documents } = await medQuadTask()
  await using encoder = await loadEncoder()
  const client = new QdrantClient({ url, checkCompatibility: false })
  const clock = { calls: 0, milliseconds: 0 }
  await using store = qdrant({ client: timed(client, clock) })
  await using index = await emptyIndex(store, encoder)
  await index.add(documents.slice(0, 1_000))
  const titles = documents.slice(0, rounds).map(({ title = '' }) => title)
  const vectors = await encoder.encode(titles, { purpose: 'query' })
  console.log('\n| search, p50 ms | whole | in the client | our share | calls |\n|---|---|---|---|---|')
  for (const mode of ['dense', 'bm25', 'hybrid'] as const) {
    const figures: { whole: number; client: number; calls: number }[] = []
    for (const [i, title] of titles.entries()) {
      Object.assign(clock, { calls: 0, milliseconds: 0 })
      const query = mode === 'dense' ? { vector: vectors.row(i) } : title
      const whole = await milliseconds(() => index.search(query, { mode, limit: 10 }))
      figures.push({ whole, client: clock.milliseconds, calls: clock.calls })
    }
    const p50 = (pick: (figure: (typeof figures)[number]) => number) => percentile(figures.map(pick), 0.5)
    const cells = [p50(({ whole }) => whole), p50(({ client }) => client), p50(({ whole, client }) => whole - client)]
    const calls = figures.reduce((sum, figure) => sum + figure.calls, 0) / figures.length
    console.log(`| ${mode} | ${cells.map((cell) => cell.toFixed(2)).join(' | ')} | ${calls.toFixed(2)} |`)
  }
}

/** The client with a clock on its queries. */
function timed(client: QdrantClient, clock: { calls: number; milliseconds: number }): QdrantClient {
  const query: QdrantClient['query'] = async (...args) => {
    const start = performance.now()
    const answer = await client.query(...args)
    clock.calls += 1
    clock.milliseconds += performance.now() - start
    return answer
  }
  return Object.assign(Object.create(client), { query })
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
