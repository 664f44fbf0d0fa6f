import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storeAt } from '../../src/cli/store-address.ts'
import { type Encoder, loadEncoder, openIndex } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { killDocument } from '../support/add-worker.ts'
import { type QdrantServer, qdrantProgram, startQdrant } from '../support/qdrant-server.ts'
import { temporaryFolder } from '../support/temporary.ts'

const worker = new URL('../support/add-worker.ts', import.meta.url).pathname
const kills = Number(process.env['QONTRAST_KILLS'] ?? 2)

const program = qdrantProgram()
if (!program) console.log('skipped: processes that write to one Qdrant server: no qdrant on PATH')
const servers: QdrantServer[] = []

/** Where an empty store is, and how many documents it takes in good time. */
const places = {
  LanceDB: { there: true, total: 2_000, open: temporaryFolder },
  Qdrant: { there: program !== undefined, total: 600, open: openServer },
}

async function openServer(): Promise<string> {
  const server = await startQdrant(program ?? '')
  servers.push(server)
  return server.url.replace('http:', 'qdrant:')
}

let encoder: Encoder
beforeAll(async () => {
  encoder = await loadEncoder()
})
afterAll(() => Promise.all([encoder.close(), ...servers.map((server) => server.close())]))

/** Runs the worker; `onStored` may end it. Resolves with how many documents it reported as stored. */
function runWorker(
  location: string,
  from: number,
  to: number,
  onStored: (stored: number, kill: () => void) => void = () => {},
  shard: readonly number[] = [],
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [worker, location, String(from), String(to), ...shard.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let stored = 0
    child.stdout.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) stored = Math.max(stored, Number(line))
      onStored(stored, () => child.kill('SIGKILL'))
    })
    child.on('error', reject)
    child.on('close', (code, signal) =>
      code === 0 || signal === 'SIGKILL' ? resolve(stored) : reject(new Error(`exit ${code}`)),
    )
  })
}

/** Every document up to `stored` is there once, whole; nothing is there that was never put. */
async function checkIndex(location: string, stored: number, total: number): Promise<void> {
  await using store = storeAt(location)
  await using index = await openIndex({ name: 'docs', encoder, store })
  const seen = new Map<string, string>()
  for await (const { id, text } of index.scroll()) {
    expect(seen.has(id)).toBe(false)
    seen.set(id, text)
  }
  for (let i = 0; i < stored; i++) expect(seen.get(`d${i}`)).toBe(killDocument(i).text)
  for (const id of seen.keys()) expect(Number(id.slice(1))).toBeLessThan(total)
  expect((await index.search('document about number 5', { limit: 5 })).length).toBe(5)
}

for (const [name, { there, total, open }] of Object.entries(places)) {
  describe.skipIf(!there)(name, () => {
    test(`a process killed at any moment (${kills} times) leaves a usable index, and running again finishes the rest`, {
      timeout: 60_000 + kills * 30_000,
    }, async () => {
      const random = createRandom(17)
      const location = await open()
      let best = 0
      for (let i = 0; i < kills; i++) {
        const after = Math.floor(random() * total * 0.45)
        const wait = random() * 120
        const stored = await runWorker(location, 0, total, (done, kill) => {
          if (done >= after) setTimeout(kill, wait)
        })
        best = Math.max(best, stored)
        await checkIndex(location, best, total)
      }
      expect(await runWorker(location, 0, total)).toBe(total)
      await checkIndex(location, total, total)
    })

    test('two processes that put the same documents leave each once', async () => {
      const location = await open()
      const [from, part] = [total / 5, (2 * total) / 5]
      await Promise.all([runWorker(location, 0, part), runWorker(location, from, from + part)])
      await checkIndex(location, from + part, total)
      await using store = storeAt(location)
      await using index = await openIndex({ name: 'docs', encoder, store })
      expect(await index.count()).toBe(from + part)
    })

    test('three shards at once, one of them killed and run again, put and prune each document once', async () => {
      const location = await open()
      const part = (3 * total) / 5
      await runWorker(location, total / 2, (4 * total) / 5)
      const kill = (stored: number, end: () => void) => {
        if (stored > 0) end()
      }
      await Promise.all(
        [1, 2, 3].map((number) => runWorker(location, 0, part, number === 2 ? kill : undefined, [number, 3])),
      )
      await runWorker(location, 0, part, undefined, [2, 3])
      await checkIndex(location, part, total)
      await using store = storeAt(location)
      await using index = await openIndex({ name: 'docs', encoder, store })
      expect(await index.count()).toBe(part)
    })
  })
}
