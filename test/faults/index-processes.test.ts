import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Encoder, loadEncoder, openIndex } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { killDocument } from '../support/add-worker.ts'
import { temporaryFolder } from '../support/temporary.ts'

const worker = new URL('../support/add-worker.ts', import.meta.url).pathname
const total = 2_000
const kills = Number(process.env['QONTRAST_KILLS'] ?? 3)

let encoder: Encoder
beforeAll(async () => {
  encoder = await loadEncoder()
})
afterAll(() => encoder.close())

/** Runs the worker; `onStored` may end it. Resolves with how many documents it reported as stored. */
function runWorker(
  folder: string,
  from: number,
  to: number,
  onStored: (stored: number, kill: () => void) => void = () => {},
  shard: readonly number[] = [],
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [worker, folder, String(from), String(to), ...shard.map(String)], {
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
async function checkIndex(folder: string, stored: number): Promise<void> {
  await using index = await openIndex({ name: 'docs', encoder, path: folder })
  const seen = new Map<string, string>()
  for await (const { id, text } of index.scroll()) {
    expect(seen.has(id)).toBe(false)
    seen.set(id, text)
  }
  for (let i = 0; i < stored; i++) expect(seen.get(`d${i}`)).toBe(killDocument(i).text)
  for (const id of seen.keys()) expect(Number(id.slice(1))).toBeLessThan(total)
  expect((await index.search('document about number 5', { limit: 5 })).length).toBe(5)
}

test(`a process killed at any moment (${kills} times) leaves a usable index, and running again finishes the rest`, async () => {
  const random = createRandom(17)
  const folder = await temporaryFolder()
  let best = 0
  for (let i = 0; i < kills; i++) {
    const after = Math.floor(random() * 900)
    const wait = random() * 120
    const stored = await runWorker(folder, 0, total, (done, kill) => {
      if (done >= after) setTimeout(kill, wait)
    })
    best = Math.max(best, stored)
    await checkIndex(folder, best)
  }
  expect(await runWorker(folder, 0, total)).toBe(total)
  await checkIndex(folder, total)
})

test('two processes that put the same documents leave each once', async () => {
  const folder = await temporaryFolder()
  await Promise.all([runWorker(folder, 0, 800), runWorker(folder, 400, 1_200)])
  await checkIndex(folder, 1_200)
  await using index = await openIndex({ name: 'docs', encoder, path: folder })
  expect(await index.count()).toBe(1_200)
})

test('three shards at once, one of them killed and run again, put and prune each document once', async () => {
  const folder = await temporaryFolder()
  await runWorker(folder, 1_000, 1_600)
  const kill = (stored: number, end: () => void) => {
    if (stored > 0) end()
  }
  await Promise.all(
    [1, 2, 3].map((number) => runWorker(folder, 0, 1_200, number === 2 ? kill : undefined, [number, 3])),
  )
  await runWorker(folder, 0, 1_200, undefined, [2, 3])
  await checkIndex(folder, 1_200)
  await using index = await openIndex({ name: 'docs', encoder, path: folder })
  expect(await index.count()).toBe(1_200)
})
