import { afterEach, beforeEach, expect, test } from 'vitest'
import { dropIndex, ensureIndex } from '../../../src/index/generations/generations.ts'
import type { CollectionSchema, VectorStore } from '../../../src/index/stores/store.ts'
import { lancedb, listIndexes } from '../../../src/main.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const schema: CollectionSchema = {
  dimensions: 2,
  encoder: { name: 'fixed', fingerprint: 'f'.repeat(32) },
  fields: {},
}
let folder: string
let store: VectorStore
beforeEach(async () => {
  folder = await temporaryFolder()
  store = lancedb({ path: folder })
})
afterEach(() => store.close())

const names = async () => (await listIndexes(store)).map(({ name, collection }) => ({ name, collection }))

test('an index is an alias over its first generation', async () => {
  await ensureIndex(store, 'docs', schema)
  await ensureIndex(store, 'docs', schema)
  expect(await store.list()).toEqual(['docs.1'])
  expect([...(await store.aliases())]).toEqual([['docs', 'docs.1']])
  expect(await names()).toEqual([{ name: 'docs', collection: 'docs.1' }])
  const other = { ...schema, encoder: { name: 'other', fingerprint: 'e'.repeat(32) } }
  await expect(ensureIndex(store, 'docs', other)).rejects.toMatchObject({ code: 'encoder-mismatch' })
  await expect(ensureIndex(store, 'docs.next', schema)).rejects.toMatchObject({ code: 'invalid-option' })
})

test('several handles that make one index at once make it once', async () => {
  const handles = Array.from({ length: 4 }, () => lancedb({ path: folder }))
  await Promise.all(handles.map((handle) => ensureIndex(handle, 'docs', schema)))
  expect(await store.list()).toEqual(['docs.1'])
  expect(await names()).toEqual([{ name: 'docs', collection: 'docs.1' }])
  await Promise.all(handles.map((handle) => handle.close()))
})

test('an index whose making or dropping was broken off is made, or dropped, again', async () => {
  await store.ensure('docs.1', schema) // killed before the alias
  await ensureIndex(store, 'docs', schema)
  expect(await names()).toEqual([{ name: 'docs', collection: 'docs.1' }])
  await store.drop('docs.1') // killed before the alias went
  expect(await names()).toEqual([])
  await dropIndex(store, 'docs')
  expect([...(await store.aliases())]).toEqual([])
  await ensureIndex(store, 'docs', schema)
  expect(await names()).toEqual([{ name: 'docs', collection: 'docs.1' }])
})

test('a collection without alias opens as it is, and is not made a generation', async () => {
  await store.ensure('old', schema)
  await ensureIndex(store, 'old', schema)
  expect(await names()).toEqual([{ name: 'old', collection: 'old' }])
  await dropIndex(store, 'old')
  expect(await store.list()).toEqual([])
})

test('dropping an index takes all of its generations along, and nothing else', async () => {
  for (const name of ['docs.1', 'docs.2', 'docs.3', 'docsy.1']) await store.ensure(name, schema)
  for (const [alias, collection] of Object.entries({
    docs: 'docs.2',
    'docs.next': 'docs.3',
    'docs.previous': 'docs.1',
    docsy: 'docsy.1',
  }))
    await store.alias(alias, collection)
  expect(await names()).toEqual([
    { name: 'docs', collection: 'docs.2' },
    { name: 'docsy', collection: 'docsy.1' },
  ])
  await dropIndex(store, 'docs')
  expect(await store.list()).toEqual(['docsy.1'])
  expect([...(await store.aliases()).keys()]).toEqual(['docsy'])
})
