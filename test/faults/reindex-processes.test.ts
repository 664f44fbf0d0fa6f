import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import {
  type Document,
  dropOldIndex,
  type Encoder,
  lancedb,
  loadEncoder,
  openIndex,
  reindex,
  type SearchIndex,
  type VectorStore,
} from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { type Models, wordDocument, writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'

const worker = fileURLToPath(new URL('../support/reindex-worker.ts', import.meta.url))
const kills = Number(process.env['QONTRAST_KILLS'] ?? 2)
const timeout = 60_000 + kills * 20_000
const total = 1_500
const stableFrom = 1_000
const documents = Array.from({ length: total }, (_, i) => wordDocument(i))
/** Nobody writes to these. */
const stable = documents.slice(stableFrom).filter(({ text }) => text.split(' ').length === 5)

let models: Models
let left: Encoder
let right: Encoder
let folder: string
let store: VectorStore
beforeAll(async () => {
  models = await writeModels(await temporaryFolder())
  left = await loadEncoder(models.left)
  right = await loadEncoder(models.right)
})
afterAll(() => Promise.all([left.close(), right.close()]))
beforeEach(async () => {
  folder = await temporaryFolder()
  store = lancedb({ path: folder })
  await using index = await openIndex({ name: 'docs', encoder: left, store })
  await index.add(documents)
  return () => store.close()
})

/** Runs the worker; `onOutput` may end it. Resolves with the last number it printed. */
function run(args: readonly unknown[], onOutput: (last: number, kill: () => void) => void = () => {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [worker, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let last = 0
    child.stdout.on('data', (chunk: Buffer) => {
      last = Number(chunk.toString().trim().split('\n').at(-1))
      onOutput(last, () => child.kill('SIGKILL'))
    })
    child.on('error', reject)
    child.on('close', (code, signal) =>
      code === 0 || signal === 'SIGKILL' ? resolve(last) : reject(new Error(`${args[0]} ended with ${code}`)),
    )
  })
}

/** Kills a worker some time after it printed a number that is high enough. */
function killAfter(milliseconds: number, least = 0): (last: number, kill: () => void) => void {
  let waiting = false
  return (last, kill) => {
    if (waiting || last < least) return
    waiting = true
    setTimeout(kill, milliseconds)
  }
}

/** Every document is there as it was put and no other one, each is found, and every vector is the encoder's. */
async function expectWhole(encoder: Encoder, expected: readonly Document[]): Promise<void> {
  await using index = await openIndex({ name: 'docs', encoder, store })
  const seen = new Map<string, string>()
  for await (const { id, text } of index.scroll()) {
    expect(seen.has(id)).toBe(false)
    seen.set(id, text)
  }
  expect(seen).toEqual(new Map(expected.map(({ id, text }) => [id, text])))
  const short = expected.filter(({ text }) => text.split(' ').length === 5)
  for (let at = 0; at < short.length; at += 250) {
    const lists = await index.searchMany(
      short.slice(at, at + 250).map(({ text }) => text),
      { limit: 1 },
    )
    for (const [hit] of lists) expect(hit?.score).toBeGreaterThan(0.999)
  }
}

/** Searches without a pause until it is told to stop: a failure, a miss or a hit of the other model ends it. */
function searchOn(asked: readonly Document[]): { stop(): Promise<number> } {
  let stopped = false
  const searching = (async () => {
    await using index = await openIndex({ name: 'docs', encoder: left, path: folder })
    let searches = 0
    for (; !stopped; searches++) {
      const { text } = asked[searches % asked.length] ?? expect.fail()
      const [hit] = await index.search(text, { limit: 1 })
      expect(hit?.score).toBeGreaterThan(0.999)
      expect(hit?.passage).toBe(text)
    }
    return searches
  })()
  searching.catch(() => {}) // it is awaited in the end
  return {
    stop() {
      stopped = true
      return searching
    },
  }
}

test(`a re-index killed at any moment (${kills} times) leaves the index as it was, and is finished without embedding twice`, {
  timeout,
}, async () => {
  const random = createRandom(23)
  const points = async () => (await store.info('docs'))?.points ?? 0
  let stored = 0
  for (let killed = 0; killed < kills; killed++) {
    const after = Math.floor((random() * total) / kills)
    const wait = random() * 60
    stored += await run(['reindex', folder, models.right], killAfter(wait, after))
    await expectWhole(await currentEncoder(), documents)
  }
  stored += await run(['reindex', folder, models.right])
  await expectWhole(right, documents)
  expect(stored).toBeLessThanOrEqual(await points())
  expect(await store.list()).toHaveLength(1)
})

test('two processes write while one re-indexes and drops the old generation, and no search fails or mixes models', {
  timeout,
}, async () => {
  const search = searchOn(stable)
  const building = run(['reindex', folder, models.right])
  const begun = async () => (await store.aliases()).has('docs.next') || (await store.list()).join() !== 'docs.1'
  await vi.waitFor(async () => expect(await begun()).toBe(true), { timeout, interval: 5 })
  await Promise.all([building, run(['write', folder, 0, 300, 1]), run(['write', folder, 5_000, 5_300, 0])])
  expect(await search.stop()).toBeGreaterThan(0)
  const changed = Array.from({ length: 300 }, (_, i) => wordDocument(i, 1))
  const added = Array.from({ length: 300 }, (_, i) => wordDocument(5_000 + i))
  await expectWhole(right, [...changed, ...documents.slice(300), ...added])
})

test(`writers and the re-index are killed together (${kills} times), and all that was acknowledged is there`, {
  timeout,
}, async () => {
  const random = createRandom(29)
  const search = searchOn(stable)
  let acknowledged = 0
  for (let i = 0; i < kills; i++) {
    const wait = 300 + random() * 1_200
    const [, written] = await Promise.all([
      run(['reindex', folder, models.right], killAfter(wait)),
      run(['write', folder, 0, 600, 1], killAfter(wait)),
    ])
    acknowledged = Math.max(acknowledged, written)
    await using index = await openIndex({ name: 'docs', encoder: await currentEncoder(), store })
    for (const [j, document] of (await index.get(documents.slice(0, acknowledged).map(({ id }) => id))).entries())
      expect(document).toEqual(wordDocument(j, 1))
  }
  await run(['reindex', folder, models.right])
  await run(['write', folder, 0, 600, 1])
  await search.stop()
  const changed = Array.from({ length: 600 }, (_, i) => wordDocument(i, 1))
  await expectWhole(right, [...changed, ...documents.slice(600)])
})

test(`an index that moves back and forth, and drops the old generation each time (${kills} times), loses nothing of two writers`, {
  timeout,
}, async () => {
  let moving = true
  const opened = await Promise.all([0, 200].map(() => openIndex({ name: 'docs', encoder: left, path: folder })))
  const write = async (index: SearchIndex, from: number) => {
    const written = new Map<number, number>()
    for (let version = 1; moving; version++) {
      for (let at = from; at < from + 200 && moving; at += 20) {
        const numbers = Array.from({ length: 20 }, (_, i) => at + i)
        await index.add(numbers.map((i) => wordDocument(i, version)))
        for (const i of numbers) written.set(i, version)
      }
    }
    return written
  }
  const writers = Promise.all(opened.map((index, i) => write(index, i * 200)))
  writers.catch(() => {}) // it is awaited in the end
  for (let i = 0; i < kills + (kills % 2); i++) {
    await reindex({ store, index: 'docs', encoder: i % 2 === 0 ? right : left })
    await dropOldIndex({ store, index: 'docs' })
  }
  moving = false
  const written = new Map((await writers).flatMap((map) => [...map]))
  await expectWhole(
    left,
    documents.map((_, i) => wordDocument(i, written.get(i))),
  )
  await Promise.all(opened.map((index) => index.close()))
})

async function currentEncoder(): Promise<Encoder> {
  const { schema } = (await store.info('docs')) ?? expect.fail()
  return schema.encoder.fingerprint === left.fingerprint ? left : right
}
