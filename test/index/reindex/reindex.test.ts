import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  dropOldIndex,
  type Encoder,
  lancedb,
  listIndexes,
  loadEncoder,
  openIndex,
  type ReindexReport,
  reindex,
  rollbackIndex,
  type SearchIndex,
  type VectorStore,
} from '../../../src/main.ts'
import { type Models, wordDocument, writeModels } from '../../support/static-models.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const documents = Array.from({ length: 600 }, (_, i) => wordDocument(i))

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
  return () => store.close()
})

const open = (encoder: Encoder, at: VectorStore = store) => openIndex({ name: 'docs', encoder, store: at })
const start = async () => {
  const index = await open(left)
  await index.add(documents)
  return index
}
const move = (encoder: Encoder, rest: object = {}): Promise<ReindexReport> =>
  reindex({ store, index: 'docs', encoder, ...rest })

/** An encoder that counts the texts it embeds. */
function counting(encoder: Encoder): { encoder: Encoder; embedded(): number } {
  let embedded = 0
  return {
    encoder: {
      ...encoder,
      encode(texts, options) {
        embedded += texts.length
        return encoder.encode(texts, options)
      },
    },
    embedded: () => embedded,
  }
}

/** A handle that lets something else happen right before its first write of a kind, as another process might. */
function beforeFirst(write: 'upsert' | 'delete', store: VectorStore, happen: () => Promise<void>): VectorStore {
  let happened: Promise<void> | undefined
  const first = () => {
    happened ??= happen()
    return happened
  }
  return {
    ...store,
    async upsert(...args) {
      if (write === 'upsert') await first()
      return store.upsert(...args)
    },
    async delete(...args) {
      if (write === 'delete') await first()
      return store.delete(...args)
    },
  }
}

/** Every document is there as it was put, and its own best hit with the encoder that is asked. */
async function expectWhole(encoder: Encoder, expected = documents): Promise<void> {
  await using index = await open(encoder)
  expect(await index.count()).toBe(expected.length)
  for (const [i, document] of (await index.get(expected.map(({ id }) => id))).entries())
    expect(document).toEqual(expected[i])
  const asked = expected.filter(({ text }) => text.split(' ').length === 5).slice(0, 40)
  const lists = await index.searchMany(
    asked.map(({ text }) => text),
    { limit: 1 },
  )
  for (const [hit] of lists) expect(hit?.score).toBeGreaterThan(0.999)
}

describe('reindex', () => {
  test('puts an index on another encoder, with all of its documents, cut for it', async () => {
    const index = await start()
    const before = await index.info()
    const report = await move(right)
    expect(report).toMatchObject({ index: 'docs', from: 'docs.1', documents: 600 })
    expect(report.to).toMatch(/^docs\.2-[0-9a-f]{6}$/)
    await expectWhole(right)
    const [info] = await listIndexes(store)
    expect(info).toMatchObject({ name: 'docs', collection: report.to, documents: 600, points: report.chunks })
    expect(info?.schema.encoder.fingerprint).toBe(right.fingerprint)
    expect(info?.points).toBeGreaterThan(before.points)
    await expect(open(left)).rejects.toMatchObject({ code: 'encoder-mismatch' })
  })

  test('what was indexed before is unchanged after it, settings of chunks included', async () => {
    const index = await start()
    await index.add([wordDocument(7, 1)], { chunk: { tokens: 4, overlap: 0 } })
    await index.add([wordDocument(17, 1)], { chunk: false })
    await move(right)
    await using moved = await open(right)
    expect(await moved.add([wordDocument(7, 1)], { chunk: { tokens: 4, overlap: 0 } })).toMatchObject({ unchanged: 1 })
    expect(await moved.add([wordDocument(17, 1)], { chunk: false })).toMatchObject({ unchanged: 1, chunks: 0 })
    const others = documents.filter(({ id }) => id !== 'd7' && id !== 'd17')
    expect(await moved.add(others)).toMatchObject({ unchanged: 598, chunks: 0 })
    const points = await store.get('docs', { documents: ['d7', 'd17'] })
    expect(points.map(({ chunks }) => chunks)).toEqual([1, ...points.slice(1).map(() => 8)])
  })

  test('broken off, it goes on where it was and embeds nothing twice', async () => {
    await start()
    const whole = counting(right)
    const controller = new AbortController()
    const broken = move(whole.encoder, {
      signal: controller.signal,
      onProgress: ({ chunks }: { chunks: number }) => chunks > 0 && controller.abort(),
    })
    await expect(broken).rejects.toMatchObject({ code: 'aborted' })
    expect(whole.embedded()).toBeGreaterThan(0)
    expect((await listIndexes(store)).find(({ name }) => name === 'docs')?.collection).toBe('docs.1')
    await expectWhole(left)
    const { chunks } = await move(whole.encoder)
    const sample = 32 // texts of the check, at most two chunks each
    expect(chunks).toBeLessThan(whole.embedded())
    const points = (await store.info('docs'))?.points ?? 0
    expect(whole.embedded()).toBeGreaterThanOrEqual(points)
    expect(whole.embedded()).toBeLessThan(points + sample * 2)
    await expectWhole(right)
  })

  test('with the encoder it has there is nothing to do; another one waits until it is finished or given up', async () => {
    await start()
    expect(await move(left)).toEqual({ index: 'docs', from: 'docs.1', to: 'docs.1', documents: 600, chunks: 0 })
    await expect(move(right, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    await using third = await loadEncoder(models.right, { dimensions: 20 })
    await expect(move(third)).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('--rollback'),
    })
    expect(await rollbackIndex({ store, index: 'docs' })).toMatchObject({ to: 'docs.1', chunks: 0 })
    expect(await store.list()).toEqual(['docs.1'])
    expect((await move(third)).to).toMatch(/^docs\.2-/)
    await expectWhole(third)
    await expect(reindex({ store, index: 'absent', encoder: left })).rejects.toMatchObject({ code: 'index-not-found' })
    await store.ensure('bare', { dimensions: 2, encoder: { name: 'x', fingerprint: 'y' }, fields: {} })
    await expect(reindex({ store, index: 'bare', encoder: left })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('qontrast copy'),
    })
  })

  test('a document that is not whole stops the switch, and is named', async () => {
    const index = await start()
    await store.delete('docs', { ids: ['d7#2'] })
    await expect(move(right)).rejects.toMatchObject({ code: 'invalid-input', message: expect.stringContaining('"d7"') })
    await expect(open(right)).rejects.toMatchObject({ code: 'encoder-mismatch' })
    expect(await index.add(documents)).toMatchObject({ updated: 1 })
    await move(right)
    await expectWhole(right)
  })
})

describe('going back', () => {
  test('a rollback takes what was written since along, and embeds only that', async () => {
    await start()
    await move(right)
    await using moved = await open(right)
    await moved.add([wordDocument(0, 1), wordDocument(900)])
    await moved.delete(['d1', 'd2'])
    const report = await rollbackIndex({ store, index: 'docs' })
    expect(report).toMatchObject({ to: 'docs.1', documents: 599, chunks: 2 })
    const expected = [wordDocument(0, 1), ...documents.slice(3), wordDocument(900)]
    await expectWhole(left, expected)
    expect(await move(right)).toMatchObject({ from: 'docs.1', chunks: 0 }) // and forth again
    await expectWhole(right, expected)
  })

  test('a re-index back to the generation before, given up, leaves both as they are', async () => {
    await start()
    await move(right)
    await rollbackIndex({ store, index: 'docs' })
    const collections = await store.list()
    await expect(move(right, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(await rollbackIndex({ store, index: 'docs' })).toMatchObject({ to: 'docs.1', chunks: 0 })
    expect(await store.list()).toEqual(collections)
    await expectWhole(left)
    expect(await move(right)).toMatchObject({ from: 'docs.1', chunks: 0 })
    await expectWhole(right)
  })

  test('where nothing changed, a rollback needs no model', async () => {
    await start()
    await move(right)
    const loadNone = async () => {
      throw new Error('no model here')
    }
    expect(await rollbackIndex({ store, index: 'docs', loadEncoder: loadNone })).toMatchObject({ chunks: 0 })
    await move(right)
    await using moved = await open(right)
    await moved.add([wordDocument(900)])
    await expect(rollbackIndex({ store, index: 'docs', loadEncoder: loadNone })).rejects.toMatchObject({
      code: 'encoder-mismatch',
    })
    await expectWhole(right, [...documents, wordDocument(900)])
  })

  test('the old generation is there until it is dropped', async () => {
    await start()
    await move(right)
    expect(await store.list()).toHaveLength(2)
    expect(await dropOldIndex({ store, index: 'docs' })).toBe('docs.1')
    expect(await dropOldIndex({ store, index: 'docs' })).toBeUndefined()
    expect(await store.list()).toHaveLength(1)
    await expect(rollbackIndex({ store, index: 'docs' })).rejects.toMatchObject({ code: 'invalid-option' })
    await expectWhole(right)
    await move(left)
    const { from } = await move(right)
    expect(from).toMatch(/^docs\.3-/)
    expect(await store.list()).toHaveLength(2)
  })
})

describe('meanwhile', () => {
  const searchOnce = async (index: SearchIndex) => {
    const [hit] = await index.search(documents[0]?.text ?? '', { limit: 1 })
    expect(hit?.score).toBeGreaterThan(0.999)
  }

  test('an open index is searched with the encoder of its generation, and moves over by itself', async () => {
    await using index = await start()
    await move(right)
    await searchOnce(index)
    expect(index.encoder).toBe(left)
    while (index.encoder === left) await searchOnce(index)
    expect(index.encoder.fingerprint).toBe(right.fingerprint)
    expect(await index.add([wordDocument(901)])).toMatchObject({ added: 1 })
    expect((await index.search(wordDocument(901).text, { limit: 1 }))[0]).toMatchObject({ id: 'd901' })
  })

  test('where the old generation is dropped at once, a search moves over and is answered', async () => {
    await using index = await start()
    await move(right)
    await dropOldIndex({ store, index: 'docs' })
    await searchOnce(index)
    expect(index.encoder.fingerprint).toBe(right.fingerprint)
  })

  test('what is written and deleted while a generation is built is in both', async () => {
    await using index = await start()
    let wrote: Promise<unknown> | undefined
    const write = async () => {
      await index.add([wordDocument(1, 1), wordDocument(800)])
      await index.delete(['d2', 'd3'])
    }
    await move(right, {
      onProgress: ({ chunks }: { chunks: number }) => {
        if (chunks > 0) wrote ??= write()
      },
    })
    await wrote
    const expected = [documents[0] ?? wordDocument(0), wordDocument(1, 1), ...documents.slice(4), wordDocument(800)]
    await expectWhole(right, expected)
    await rollbackIndex({ store, index: 'docs' })
    await expectWhole(left, expected)
  })

  test.each([false, true])(
    'a batch that was under way when a re-index began and ended is in the new generation (old one dropped: %s)',
    async (drop) => {
      await start()
      const other = lancedb({ path: folder })
      const between = beforeFirst('upsert', other, async () => {
        await move(right)
        if (drop) await dropOldIndex({ store, index: 'docs' })
      })
      const index = await open(left, between)
      expect(await index.add([wordDocument(1, 1), wordDocument(800)])).toMatchObject({ failedCount: 0 })
      const undeleted = beforeFirst('delete', other, async () => {
        await move(left)
        if (drop) await dropOldIndex({ store, index: 'docs' })
      })
      const again = await open(right, undeleted)
      expect(await again.delete(['d2', 'd3'])).toBe(2)
      await expectWhole(left, [...documents.slice(0, 1), wordDocument(1, 1), ...documents.slice(4), wordDocument(800)])
      await Promise.all([index.close(), again.close()])
      await other.close()
    },
  )

  test('what a re-index read before it changed, and writes afterwards, does not stay', async () => {
    await using index = await start()
    const other = lancedb({ path: folder })
    const between = beforeFirst('upsert', other, async () => {
      await index.add([wordDocument(1, 1), wordDocument(800)])
      await index.delete(['d2', 'd3'])
    })
    await reindex({ store: between, index: 'docs', encoder: right })
    await expectWhole(right, [...documents.slice(0, 1), wordDocument(1, 1), ...documents.slice(4), wordDocument(800)])
    await other.close()
  })

  test('an open index that was dropped is made again with the encoder it had last', async () => {
    await using index = await start()
    await move(right)
    await index.add([])
    await index.drop()
    expect(await index.add(documents)).toMatchObject({ added: 600 })
    expect(await store.list()).toEqual(['docs.1'])
    await expectWhole(right)
    await using other = await open(right)
    await other.drop()
    await using fresh = await open(left)
    await fresh.add(documents)
    await expect(index.add(documents)).rejects.toMatchObject({ code: 'encoder-mismatch' })
    await expectWhole(left)
  })

  test('a process that cannot load the new model writes nothing, and says so', async () => {
    await start()
    const loadNone = async () => {
      throw new Error('no model here')
    }
    await using other = await openIndex({ name: 'docs', encoder: left, store, loadEncoder: loadNone })
    await expect(move(right, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    await expect(other.add([wordDocument(900)])).rejects.toMatchObject({
      code: 'encoder-mismatch',
      message: expect.stringContaining('no model here'),
    })
    expect(await other.get('d900')).toBeUndefined()
    expect((await other.search(documents[0]?.text ?? '', { limit: 1 }))[0]?.score).toBeGreaterThan(0.999)
    await move(right)
    await dropOldIndex({ store, index: 'docs' })
    await expect(other.search('w1')).rejects.toMatchObject({ code: 'encoder-mismatch' })
    await expectWhole(right)
  })

  test('two runs of one re-index do not harm each other', async () => {
    await start()
    const other = lancedb({ path: folder })
    const outcomes = await Promise.allSettled([move(right), reindex({ store: other, index: 'docs', encoder: right })])
    expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'store-busy' })
    }
    await expectWhole(right)
    await other.close()
  })
})
