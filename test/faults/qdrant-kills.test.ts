import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  dropOldIndex,
  type Encoder,
  isQontrastError,
  loadEncoder,
  openIndex,
  qdrant,
  reindex,
  type SearchIndex,
  type VectorStore,
} from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { killDocument } from '../support/add-worker.ts'
import { type QdrantServer, qdrantProgram, startQdrant } from '../support/qdrant-server.ts'
import { wordDocument, writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'

const program = qdrantProgram()
if (!program) console.log('skipped: a Qdrant server that is killed: no qdrant on PATH')
const kills = Number(process.env['QONTRAST_KILLS'] ?? 2)
const total = 1_200
const patience = 60_000 * kills

describe.skipIf(!program)(`a Qdrant server killed ${kills} times in the middle of`, { timeout: patience }, () => {
  let server: QdrantServer
  let encoder: Encoder
  let store: VectorStore
  let index: SearchIndex
  const random = createRandom(29)
  beforeAll(async () => {
    server = await startQdrant(program ?? '')
    encoder = await loadEncoder()
    store = qdrant({ url: server.url, retries: 0 })
    index = await openIndex({ name: 'docs', encoder, store })
  })
  afterAll(async () => {
    await store.close()
    await encoder.close()
    await server.close()
  })

  const documents = Array.from({ length: total }, (_, i) => killDocument(i))
  let killed = 0
  let broken = 0
  afterAll(() => console.log(`Qdrant was killed ${killed} times, ${broken} of them while a call was under way`))

  /** Kills the server a little after `done` documents; resolves once work has failed, or was done before. */
  async function killDuring(work: (progress: (done: number) => void) => Promise<unknown>): Promise<void> {
    const after = Math.floor(random() * total * 0.8)
    const wait = random() * 150
    let killing: Promise<void> | undefined
    const progress = (done: number) => {
      if (done < after || killing) return
      killing = new Promise((resolve) => setTimeout(resolve, wait)).then(() => server.kill())
    }
    try {
      await work(progress)
    } catch (error) {
      if (!isQontrastError(error, 'store-unavailable')) throw error
      broken += 1
    }
    await (killing ?? server.kill())
    killed += 1
    await server.start()
  }

  /** What is there, each document once and whole, no vector zero. */
  async function documentsThere(name = 'docs'): Promise<Set<string>> {
    const chunks = new Map<string, number[]>()
    let cursor: string | undefined
    do {
      const page = await store.scroll(name, { vectors: true, ...(cursor === undefined ? {} : { cursor }) })
      for (const { documentId, chunk, vector } of page.points) {
        expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 3)
        chunks.set(documentId, [...(chunks.get(documentId) ?? []), chunk])
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    for (const list of chunks.values()) expect(new Set(list).size).toBe(list.length)
    return new Set(chunks.keys())
  }

  test('adding: what was acknowledged is there, and adding again completes it', async () => {
    let acknowledged = 0
    for (let i = 0; i < kills; i++) {
      await killDuring((progress) =>
        index.add(documents, {
          onProgress: ({ documents: done }) => {
            acknowledged = Math.max(acknowledged, done)
            progress(done)
          },
        }),
      )
      const there = await documentsThere()
      for (const { id } of documents.slice(0, acknowledged)) expect(there.has(id)).toBe(true)
      for (const { id, text } of documents.slice(0, Math.min(acknowledged, 50)))
        expect((await index.get(id))?.text).toBe(text)
      for (const id of there) expect(Number(id.slice(1))).toBeLessThan(total)
      if (acknowledged === total && i < kills - 1) {
        await index.drop()
        acknowledged = 0
      }
    }
    const report = await index.add(documents)
    expect(report.failedCount).toBe(0)
    expect(await documentsThere()).toEqual(new Set(documents.map(({ id }) => id)))
    const texts = await index.get(documents.map(({ id }) => id))
    expect(texts.map((document) => document?.text)).toEqual(documents.map(({ text }) => text))
  })

  test('deleting: what was acknowledged is gone, and nothing else', async () => {
    for (let i = 0; i < kills; i++) {
      await index.add(documents)
      const deleted: string[] = []
      await killDuring(async (progress) => {
        for (let from = 0; from < total; from += 40) {
          const ids = documents.slice(from, from + 40).map(({ id }) => id)
          await index.delete(ids)
          deleted.push(...ids)
          progress(deleted.length)
        }
      })
      const there = await documentsThere()
      for (const id of deleted) expect(there.has(id)).toBe(false)
      for (const { id } of documents.slice(deleted.length + 40)) expect(there.has(id)).toBe(true)
      await index.delete(documents.map(({ id }) => id))
      expect(await documentsThere()).toEqual(new Set())
    }
  })
  test('re-indexing: the index stays whole, and re-indexing again completes it', async () => {
    const models = await writeModels(await temporaryFolder())
    const sides = [await loadEncoder(models.left), await loadEncoder(models.right)] as const
    const words = Array.from({ length: total }, (_, i) => wordDocument(i))
    const ids = new Set(words.map(({ id }) => id))
    {
      await using first = await openIndex({ name: 'words', encoder: sides[0], store })
      await first.add(words)
    }
    for (let i = 0; i < kills; i++) {
      const [to, from] = i % 2 === 0 ? [sides[1], sides[0]] : sides
      await killDuring((progress) =>
        reindex({ store, index: 'words', encoder: to, onProgress: ({ documents: done }) => progress(done) }),
      )
      const fingerprint = (await store.info('words'))?.schema.encoder.fingerprint
      const current = fingerprint === to.fingerprint ? to : from
      expect(fingerprint).toBe(current.fingerprint)
      for (const encoder of [current, to]) {
        if (encoder === to) await reindex({ store, index: 'words', encoder: to })
        await using index = await openIndex({ name: 'words', encoder, store })
        expect(await documentsThere('words')).toEqual(ids)
        const short = words.filter(({ text }) => text.split(' ').length === 5).slice(0, 50)
        const lists = await index.searchMany(
          short.map(({ text }) => text),
          { limit: 1 },
        )
        for (const [hit] of lists) expect(hit?.score).toBeGreaterThan(0.999)
      }
      await dropOldIndex({ store, index: 'words' })
    }
    await Promise.all(sides.map((encoder) => encoder.close()))
  })
})
