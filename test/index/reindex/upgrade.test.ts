import { cp } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Encoder,
  isQontrastError,
  lancedb,
  listIndexes,
  loadEncoder,
  openIndex,
  qdrant,
  undoUpgrade,
  upgradeIndex,
  type VectorStore,
} from '../../../src/main.ts'
import { openApp } from '../../support/api.ts'
import { qdrantProgram, startQdrant } from '../../support/qdrant-server.ts'
import { restoreQdrant } from '../../support/restore-qdrant.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const folder = fileURLToPath(new URL('../../fixtures/format-1/', import.meta.url))

interface Subject {
  readonly title: string
  /** A store with the indexes that 0.1.0 made there. */
  open(): Promise<VectorStore>
}

const embedded: Subject = {
  title: 'a folder of LanceDB',
  async open() {
    const copy = path.join(await temporaryFolder(), 'data')
    await cp(path.join(folder, 'lancedb'), copy, { recursive: true })
    return lancedb({ path: copy })
  },
}

const program = qdrantProgram()
if (!program) console.log('skipped: an index that 0.1.0 wrote into Qdrant: no qdrant on PATH')
const server = program ? await startQdrant(program) : undefined
const remote: Subject[] = server
  ? [
      {
        title: `Qdrant ${server.version}`,
        async open() {
          await restoreQdrant(server.url, path.join(folder, 'qdrant.json.br'))
          return qdrant({ url: server.url })
        },
      },
    ]
  : []
afterAll(() => server?.close())

describe.each([embedded, ...remote])('an index that 0.1.0 wrote, in $title', (subject) => {
  let encoder: Encoder
  beforeAll(async () => {
    encoder = await loadEncoder()
    return () => encoder.close()
  })
  it('is listed and named old, and refused with what to run', async () => {
    await using store = await subject.open()
    const infos = await listIndexes(store)
    expect(infos.map(({ name, documents, schema }) => [name, documents, schema.format])).toEqual([
      ['notes', 9, 1],
      ['small', 3, 1],
    ])
    const opening = openIndex({ name: 'notes', encoder, store })
    await expect(opening).rejects.toSatisfy((error) => isQontrastError(error, 'index-outdated'))
    await expect(opening).rejects.toThrow('qontrast upgrade --index notes')
  })

  it('is brought over with its texts and payloads, is found again, and can go back', async () => {
    await using store = await subject.open()
    const report = await upgradeIndex({ store, index: 'notes', encoder })
    expect(report).toMatchObject({ from: 'notes.1', documents: 9 })
    {
      await using index = await openIndex({ name: 'notes', encoder, store })
      expect(await index.get('ticks')).toMatchObject({ title: 'Tick bites', payload: { year: 2001, source: 'CDC' } })
      const [hit] = await index.search('how is a tick removed?', { filter: { year: { lt: 2010 } } })
      expect(hit?.id).toBe('ticks')
      expect((await index.info()).schema.upgradedFrom).toBe(1)
    }
    expect(await upgradeIndex({ store, index: 'notes', encoder })).toMatchObject({ from: report.to, to: report.to })

    expect(await undoUpgrade({ store, index: 'notes' })).toMatchObject({ to: 'notes.1' })
    await expect(openIndex({ name: 'notes', encoder, store })).rejects.toThrow('older form')
    expect(await upgradeIndex({ store, index: 'notes', encoder })).toMatchObject({ to: report.to, chunks: 0 })
  })

  it('is listed over HTTP, and refused there with a code of its own', async () => {
    await using store = await subject.open()
    const { call } = await openApp({ store })
    const { body } = await call('GET', '/v1/indexes')
    expect(body.indexes.map(({ name }: { name: string }) => name)).toEqual(['notes', 'small'])
    const { status, body: problem } = await call('POST', '/v1/indexes/notes/search', { queries: ['a tick'] })
    expect([status, problem.code]).toEqual([409, 'index-outdated'])
  })

  it('embeds only what is read otherwise now, and every vector is what it would be today', async () => {
    await using store = await subject.open()
    const { from, to, chunks } = await upgradeIndex({ store, index: 'notes', encoder })
    const vectors = { vectors: true }
    const before = await store.get(from, { documents: ['asthma', 'ticks', 'long'] }, vectors)
    const after = await store.get(to, { documents: ['asthma', 'ticks', 'long'] }, vectors)
    expect(after.map(({ id, content, vector }) => [id, content, vector])).toEqual(
      before.map(({ id, content, vector }) => [id, content, vector]),
    )
    expect(chunks).toBe(2) // of an extension plane, and a text of which nothing is understood
    for (const {
      title,
      content: { text },
      vector = new Float32Array(),
    } of (await store.scroll(to, vectors)).points) {
      const today = (await encoder.encode([title === undefined ? text : `${title}\n${text}`])).row(0)
      expect(Math.hypot(...today.map((value, i) => value - (vector[i] ?? 0)))).toBeLessThan(1e-5)
    }
  })

  it('embeds nothing for documents of files that get their new ids', async () => {
    await using store = await subject.open()
    await upgradeIndex({ store, index: 'notes', encoder })
    await using index = await openIndex({ name: 'notes', encoder, store })
    const guide = { title: 'Guide', text: '# Guide\n\nHow to install it.', payload: { path: 'guide.md' } }
    const report = await index.add([{ id: 'docs~1/guide.md', replaces: 'docs/guide.md', ...guide }])
    expect(report).toMatchObject({ updated: 1, embedded: 0, reused: 1 })
    expect(await index.get(['docs/guide.md', 'docs~1/guide.md'])).toMatchObject([undefined, { title: 'Guide' }])
    expect(await index.count()).toBe(9)
  })

  it('is upgraded with another encoder only where that is said', async () => {
    await using store = await subject.open()
    const upgrade = upgradeIndex({ store, index: 'small', encoder })
    await expect(upgrade).rejects.toThrow('--anew')
    expect(await upgradeIndex({ store, index: 'small', encoder, anew: true })).toMatchObject({ documents: 3 })
    await using index = await openIndex({ name: 'small', encoder, store })
    expect((await index.search('a tick'))[0]?.id).toBe('ticks')
  })

  it('goes back only where nothing was written since, or that is given up', async () => {
    await using store = await subject.open()
    await upgradeIndex({ store, index: 'notes', encoder })
    {
      await using index = await openIndex({ name: 'notes', encoder, store })
      await index.add([{ id: 'new', text: 'A new document.' }])
      await index.delete('ticks')
    }
    await expect(undoUpgrade({ store, index: 'notes' })).rejects.toThrow('--discard')
    expect(await undoUpgrade({ store, index: 'notes', discard: true })).toMatchObject({ documents: 9 })
  })

  it('goes on where it was broken off', async () => {
    await using store = await subject.open()
    const controller = new AbortController()
    const onProgress = () => controller.abort()
    await expect(
      upgradeIndex({ store, index: 'notes', encoder, signal: controller.signal, onProgress }),
    ).rejects.toMatchObject({ code: 'aborted' })
    await expect(openIndex({ name: 'notes', encoder, store })).rejects.toThrow('older form')
    expect(await upgradeIndex({ store, index: 'notes', encoder })).toMatchObject({ documents: 9 })
  })
})
