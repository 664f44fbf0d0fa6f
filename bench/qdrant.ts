/**
 * What our code costs on Qdrant: a search and many beside the client's own, MedQuAD against the embedded store, and 200,000 points with a kill at half.
 * The server is QDRANT_URL, or `qdrant` on PATH with a temporary folder. A debug build of it is many times slower than a release.
 *
 *     npm run bench:qdrant                    all of it
 *     npm run bench:qdrant -- search          or medquad, or bulk
 *     npm run bench:qdrant -- search 60       fewer searches
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

const rounds = process.argv[2] === 'search' ? Number(process.argv[3] ?? 300) : 300
const manyRounds = 7
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

/** Searches in turn with the client's own, which waits for what is compressed unless it is told not to ask for it; then many at once. */
async function search(): Promise<void> {
  const { documents } = await medQuadTask()
  await using encoder = await loadEncoder()
  await using store = qdrant({ url })
  await using index = await emptyIndex(store, encoder)
  await index.add(documents.slice(0, 1_000))
  const { collection } = await index.info()
  const titles = documents.slice(0, rounds).map(({ title = '' }) => title)
  const encoded = await encoder.encode(titles, { purpose: 'query' })
  const vectors = titles.map((_, i) => encoded.row(i))
  const asked = vectors.map((vector) => ({
    query: Array.from(vector),
    using: 'dense',
    limit: 10,
    with_payload: true,
    params: { hnsw_ef: 200 },
  }))
  const compressed = new QdrantClient({ url, checkCompatibility: false })
  const plain = new QdrantClient({ url, checkCompatibility: false, headers: { 'accept-encoding': 'identity' } })
  const askOne = (client: QdrantClient, i: number) => client.queryBatch(collection, { searches: asked.slice(i, i + 1) })
  const sides: Readonly<Record<string, (i: number) => Promise<unknown>>> = {
    'the client, uncompressed': (i) => askOne(plain, i),
    'the client, as it is': (i) => askOne(compressed, i),
    'dense, by chunk': (i) => index.search({ vector: vectors[i] ?? [] }, { groupBy: 'chunk' }),
    dense: (i) => index.search({ vector: vectors[i] ?? [] }),
    bm25: (i) => index.search(titles[i] ?? '', { mode: 'bm25' }),
    hybrid: (i) => index.search(titles[i] ?? '', { mode: 'hybrid' }),
  }
  const times = new Map<string, number[]>(Object.keys(sides).map((name) => [name, []]))
  for (const i of titles.keys()) {
    for (const [name, side] of Object.entries(sides)) times.get(name)?.push(await milliseconds(() => side(i)))
  }
  console.log('\n| one search | p50 ms | p99 ms | p50 of the client, uncompressed |\n|---|---|---|---|')
  const [base = []] = times.values()
  for (const [name, own] of times) {
    const [p50, p99] = [percentile(own, 0.5), percentile(own, 0.99)]
    console.log(`| ${name} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${(p50 / percentile(base, 0.5)).toFixed(2)} × |`)
  }

  const ratios: number[] = []
  const ours: number[] = []
  const queries = vectors.map((vector) => ({ vector }))
  for (let round = 0; round < manyRounds; round++) {
    const theirs = await milliseconds(() => plain.queryBatch(collection, { searches: asked }))
    const own = await milliseconds(() => index.searchMany(queries))
    ratios.push(own / theirs)
    ours.push(own)
  }
  ratios.sort((a, b) => a - b)
  console.log(
    `\nsearchMany of ${rounds}: ${percentile(ours, 0.5).toFixed(0)} ms, ${percentile(ratios, 0.5).toFixed(2)} × the client's batch (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`,
  )
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
