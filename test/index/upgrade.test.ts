import { cp } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Encoder,
  isQontrastError,
  lancedb,
  listIndexes,
  loadEncoder,
  openIndex,
  undoUpgrade,
  upgradeIndex,
  type VectorStore,
} from '../../src/main.ts'
import { openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

const fixture = fileURLToPath(new URL('../fixtures/format-1/lancedb', import.meta.url))

describe('an index that 0.1.0 wrote', () => {
  let encoder: Encoder
  beforeAll(async () => {
    encoder = await loadEncoder()
    return () => encoder.close()
  })

  async function oldStore(): Promise<VectorStore> {
    const folder = path.join(await temporaryFolder(), 'data')
    await cp(fixture, folder, { recursive: true })
    return lancedb({ path: folder })
  }

  it('is listed and named old, and refused with what to run', async () => {
    await using store = await oldStore()
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
    await using store = await oldStore()
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
    await using store = await oldStore()
    const { call } = await openApp({ store })
    const { body } = await call('GET', '/v1/indexes')
    expect(body.indexes.map(({ name }: { name: string }) => name)).toEqual(['notes', 'small'])
    const { status, body: problem } = await call('POST', '/v1/indexes/notes/search', { queries: ['a tick'] })
    expect([status, problem.code]).toEqual([409, 'index-outdated'])
  })
})
