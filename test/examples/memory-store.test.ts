import * as vitest from 'vitest'
import { expect, test } from 'vitest'
import { emptyMemory, memoryStore } from '../../examples/memory-store.ts'
import { copyIndex, loadEncoder, openIndex, reindex, rollbackIndex } from '../../src/main.ts'
import { storeSuite } from '../../src/testing/index.ts'
import { writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'

storeSuite(vitest, {
  name: 'the example in memory',
  async open() {
    const memory = emptyMemory()
    return { store: memoryStore(memory), reopen: async () => memoryStore(memory), dispose: async () => {} }
  },
})

test('an index on it is filled, changed, pruned, re-indexed with another encoder and rolled back', async () => {
  const models = await writeModels(await temporaryFolder())
  await using left = await loadEncoder(models.left)
  await using right = await loadEncoder(models.right)
  const memory = emptyMemory()
  const store = memoryStore(memory)
  const documents = Array.from({ length: 30 }, (_, i) => ({ id: `d${i}`, text: `w${i} w${i + 1}`, payload: { n: i } }))
  await using index = await openIndex({ name: 'docs', encoder: left, store, fields: { n: 'number' } })
  expect(await index.add(documents)).toMatchObject({ added: 30, failedCount: 0 })
  expect(await index.add(documents)).toMatchObject({ unchanged: 30, updated: 0 })
  expect(await index.add(documents.slice(0, 20), { prune: true })).toMatchObject({ unchanged: 20, pruned: 10 })
  const ids = async (text: string) =>
    (await index.search(text, { limit: 2, filter: { n: { lt: 9 } } })).map(({ id }) => id)
  expect((await ids('w3 w4'))[0]).toBe('d3')

  expect(await reindex({ store, index: 'docs', encoder: right })).toMatchObject({ documents: 20 })
  await using after = await openIndex({ name: 'docs', encoder: right, store: memoryStore(memory) })
  expect((await after.search('w3 w4', { limit: 1 }))[0]?.id).toBe('d3')
  expect(await rollbackIndex({ store, index: 'docs', loadEncoder: async () => left })).toMatchObject({ documents: 20 })
  expect(await index.delete({ filter: { n: { gte: 10 } } })).toBe(10)
  expect(await index.count()).toBe(10)
})

test('a store without aliases keeps an index in the collection of its name, and says what it cannot do', async () => {
  const models = await writeModels(await temporaryFolder())
  await using left = await loadEncoder(models.left)
  await using right = await loadEncoder(models.right)
  const store = memoryStore(emptyMemory(), { aliases: false })
  await using index = await openIndex({ name: 'docs', encoder: left, store })
  await index.add([{ id: 'a', text: 'w1 w2' }])
  expect(await store.list()).toEqual(['docs'])
  expect((await index.search('w1'))[0]?.id).toBe('a')
  await expect(reindex({ store, index: 'docs', encoder: right })).rejects.toMatchObject({ code: 'invalid-option' })
  await expect(store.alias('other', 'docs')).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringMatching(/no aliases/),
  })

  const target = memoryStore(emptyMemory(), { aliases: false })
  const places = { from: { store, index: 'docs' }, to: { store: target, index: 'copy' } }
  expect(await copyIndex(places)).toMatchObject({ to: 'copy', documents: 1, written: 1 })
  expect(await copyIndex(places)).toMatchObject({ to: 'copy', documents: 1, written: 0 })
  await index.drop()
  expect(await store.list()).toEqual([])
})

storeSuite(vitest, {
  name: 'the example without aliases and with one handle',
  open: async () => ({ store: memoryStore(emptyMemory(), { aliases: false }), dispose: async () => {} }),
  without: ['aliases', 'reopen'],
})
