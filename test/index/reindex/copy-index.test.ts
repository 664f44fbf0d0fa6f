import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  copyIndex,
  type Encoder,
  lancedb,
  listIndexes,
  loadEncoder,
  openIndex,
  reindex,
  type VectorStore,
} from '../../../src/main.ts'
import { type Models, wordDocument, writeModels } from '../../support/static-models.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const documents = Array.from({ length: 900 }, (_, i) => ({ ...wordDocument(i), title: `w${i % 400}` }))

let models: Models
let encoder: Encoder
let here: VectorStore
let there: VectorStore
beforeAll(async () => {
  models = await writeModels(await temporaryFolder())
  encoder = await loadEncoder(models.left)
})
afterAll(() => encoder.close())
beforeEach(async () => {
  here = lancedb({ path: await temporaryFolder() })
  there = lancedb({ path: await temporaryFolder() })
  await using index = await openIndex({ name: 'docs', encoder, store: here, fields: { version: 'number' } })
  await index.add(documents)
  return () => Promise.all([here.close(), there.close()])
})

const copy = (rest: object = {}) =>
  copyIndex({ from: { store: here, index: 'docs' }, to: { store: there, index: 'docs' }, ...rest })
const everything = async (store: VectorStore, name: string) =>
  (await store.scroll(name, { limit: 10_000, vectors: true })).points

test('a copy has the same points, vectors and rankings, and is gone on with by add', async () => {
  const { points, written } = await copy()
  expect(points).toBe(written)
  expect(await everything(there, 'docs')).toEqual(await everything(here, 'docs'))
  expect(await listIndexes(there)).toMatchObject([{ name: 'docs', collection: 'docs.1', documents: 900, points }])
  await using original = await openIndex({ name: 'docs', encoder, store: here })
  await using index = await openIndex({ name: 'docs', encoder, store: there })
  for (const mode of ['dense', 'bm25', 'hybrid'] as const)
    expect(await index.search('w3 w7 w9', { mode, filter: { version: 0 } })).toEqual(
      await original.search('w3 w7 w9', { mode, filter: { version: 0 } }),
    )
  expect(await index.add(documents)).toMatchObject({ unchanged: 900, chunks: 0 })
  expect(await copy()).toMatchObject({ points, written: 0 })
})

test('a copy that is not whole has no name, and is finished by the next run', async () => {
  const controller = new AbortController()
  const broken = copy({ signal: controller.signal, onProgress: () => controller.abort() })
  await expect(broken).rejects.toMatchObject({ code: 'aborted' })
  const before = await there.count('docs.1')
  expect(before).toBeGreaterThan(0)
  expect(await there.info('docs')).toBeUndefined()
  const { points, written } = await copy()
  expect(written).toBe(points - before)
  expect(await everything(there, 'docs')).toEqual(await everything(here, 'docs'))
})

test('a document that changed in between is copied as it is now', async () => {
  await copy()
  await using index = await openIndex({ name: 'docs', encoder, store: here })
  await index.add([{ id: 'd7', text: 'w1 w2' }])
  expect(await copy()).toMatchObject({ written: 1 })
  expect(await everything(there, 'docs')).toEqual(await everything(here, 'docs'))
})

test('an index of other documents, or of another encoder, is left alone', async () => {
  await using right = await loadEncoder(models.right)
  await using other = await openIndex({ name: 'docs', encoder, store: there, fields: { version: 'number' } })
  await other.add([{ id: 'mine', text: 'w1' }])
  await expect(copy()).rejects.toMatchObject({ code: 'invalid-option', message: expect.stringContaining('"mine"') })
  expect(await other.count()).toBe(1)
  await reindex({ store: there, index: 'docs', encoder: right })
  await expect(copy()).rejects.toMatchObject({ code: 'encoder-mismatch' })
  await expect(copy({ to: { store: here, index: 'docs' } })).rejects.toMatchObject({ code: 'invalid-option' })
  await expect(copy({ from: { store: here, index: 'absent' } })).rejects.toMatchObject({ code: 'index-not-found' })
  await expect(copy({ to: { store: there, index: 'a.b' } })).rejects.toMatchObject({ code: 'invalid-option' })
})

test('a collection without alias becomes an index that can be re-indexed', async () => {
  const { schema } = (await here.info('docs')) ?? expect.fail()
  await there.ensure('old', schema)
  const points = (await everything(here, 'docs')).map(({ vector = new Float32Array(), ...rest }) => ({
    ...rest,
    vector,
    terms: [],
  }))
  await there.upsert('old', points)
  await copyIndex({ from: { store: there, index: 'old' }, to: { store: there, index: 'fresh' } })
  await using right = await loadEncoder(models.right)
  expect(await reindex({ store: there, index: 'fresh', encoder: right })).toMatchObject({ documents: 900 })
})
