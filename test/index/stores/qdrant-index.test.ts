import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  copyIndex,
  dropOldIndex,
  type Encoder,
  lancedb,
  listIndexes,
  loadEncoder,
  openIndex,
  qdrant,
  reindex,
  rollbackIndex,
  type SearchIndex,
} from '../../../src/main.ts'
import { type QdrantServer, qdrantProgram, startQdrant } from '../../support/qdrant-server.ts'
import { wordDocument, writeModels } from '../../support/static-models.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const program = qdrantProgram()
if (!program) console.log('skipped: indexes on a Qdrant server: no qdrant on PATH')
const documents = Array.from({ length: 400 }, (_, i) => wordDocument(i))
const short = documents.filter(({ text }) => text.split(' ').length === 5)

describe.skipIf(!program)('an index on a Qdrant server', () => {
  let server: QdrantServer
  let left: Encoder
  let right: Encoder
  beforeAll(async () => {
    const models = await writeModels(await temporaryFolder())
    left = await loadEncoder(models.left)
    right = await loadEncoder(models.right)
    server = await startQdrant(program ?? '')
  })
  afterAll(() => Promise.all([left.close(), right.close(), server.close()]))

  /** Every document is there as it was put, and its own best hit. */
  async function expectWhole(index: SearchIndex): Promise<void> {
    expect(await index.count()).toBe(documents.length)
    expect(await index.get(documents.map(({ id }) => id))).toEqual(documents)
    const lists = await index.searchMany(
      short.slice(0, 30).map(({ text }) => text),
      { limit: 1 },
    )
    for (const [hit] of lists) expect(hit?.score).toBeGreaterThan(0.999)
  }

  test('moves to another encoder while it is open, back, and over again', async () => {
    await using store = qdrant({ url: server.url })
    await using index = await openIndex({ name: 'words', encoder: left, store })
    await index.add(documents)
    await expectWhole(index)
    await expect(openIndex({ name: 'words', encoder: right, store })).rejects.toMatchObject({
      code: 'encoder-mismatch',
      message: expect.stringContaining('qontrast reindex --index words'),
    })
    const report = await reindex({ store, index: 'words', encoder: right })
    expect(report.documents).toBe(documents.length)
    {
      await using moved = await openIndex({ name: 'words', encoder: right, store })
      await expectWhole(moved)
    }
    await rollbackIndex({ store, index: 'words' })
    await expectWhole(index)
    await reindex({ store, index: 'words', encoder: right })
    await dropOldIndex({ store, index: 'words' })
    expect((await listIndexes(store)).map(({ name, documents }) => ({ name, documents }))).toEqual([
      { name: 'words', documents: documents.length },
    ])
    await using moved = await openIndex({ name: 'words', encoder: right, store })
    await expectWhole(moved)
    await moved.drop()
    expect(await store.list()).toEqual([])
    expect(await store.aliases()).toEqual(new Map())
  })

  test('is written, searched and dropped in a strict mode with limits below our own sizes', async () => {
    const strict = {
      enabled: true,
      max_query_limit: 7,
      upsert_max_batchsize: 4,
      search_max_batchsize: 3,
      filter_max_conditions: 12,
      condition_max_size: 5,
      search_allow_exact: false,
      unindexed_filtering_retrieve: false,
      unindexed_filtering_update: false,
    }
    await using store = qdrant({ url: server.url, collection: { strict_mode_config: strict } })
    await using index = await openIndex({ name: 'strict', encoder: left, store, fields: { year: 'number' } })
    await index.add(documents.slice(0, 40).map((document, year) => ({ ...document, payload: { year } })))
    expect(await index.count()).toBe(40)
    for (const mode of ['dense', 'bm25', 'hybrid'] as const)
      expect((await index.search(documents[0]?.text ?? '', { mode, limit: 10 })).length).toBeGreaterThan(0)
    expect((await index.add([{ id: 'd0', text: documents[1]?.text ?? '' }])).updated).toBe(1)
    expect(await index.delete({ filter: { year: { gte: 30 } } })).toBe(10)
    await index.drop()
    expect(await store.list()).toEqual([])
    expect((await store.aliases()).size).toBe(0)
  })

  test('gives many queries together what it gives each alone', async () => {
    await using store = qdrant({ url: server.url })
    await using index = await openIndex({ name: 'many', encoder: left, store })
    await index.add(documents)
    const texts = documents.slice(0, 40).map(({ text }) => text)
    const together = await index.searchMany(texts, { mode: 'dense', limit: 5 })
    for (const [i, text] of texts.entries())
      expect(together[i]).toEqual(await index.search(text, { mode: 'dense', limit: 5 }))
    await index.drop()
  })

  test('is copied from the embedded store and back, with nothing lost', async () => {
    await using embedded = lancedb({ path: await temporaryFolder() })
    await using store = qdrant({ url: server.url })
    await using back = lancedb({ path: await temporaryFolder() })
    await using first = await openIndex({ name: 'words', encoder: left, store: embedded })
    await first.add(documents)
    await copyIndex({ from: { store: embedded, index: 'words' }, to: { store, index: 'copy' } })
    await copyIndex({ from: { store, index: 'copy' }, to: { store: back, index: 'words' } })
    for (const target of [
      { name: 'copy', store },
      { name: 'words', store: back },
    ]) {
      await using index = await openIndex({ ...target, encoder: left })
      await expectWhole(index)
      for (const mode of ['dense', 'bm25'] as const) {
        const [query = documents[0]] = short
        const ids = async (from: SearchIndex) =>
          (await from.search(query?.text ?? '', { mode, limit: 1 })).map(({ id }) => id)
        expect(await ids(index)).toEqual(await ids(first))
      }
      expect((await index.add(documents)).unchanged).toBe(documents.length)
    }
  })
})
