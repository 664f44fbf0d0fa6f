import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  dropOldIndex,
  type Encoder,
  lancedb,
  loadEncoder,
  openIndex,
  reindex,
  type SearchIndex,
  type VectorStore,
} from '../../../src/main.ts'
import { type Models, wordDocument, writeModels } from '../../support/static-models.ts'
import { temporaryFolder } from '../../support/temporary.ts'

let models: Models
let encoder: Encoder
let store: VectorStore
let index: SearchIndex
beforeAll(async () => {
  models = await writeModels(await temporaryFolder())
  encoder = await loadEncoder(models.left)
})
afterAll(() => encoder.close())
beforeEach(async () => {
  store = lancedb({ path: await temporaryFolder() })
  index = await openIndex({ name: 'docs', encoder, store })
  return async () => {
    await index.close()
    await store.close()
  }
})

const some = (from: number, to: number, version = 0) =>
  Array.from({ length: to - from }, (_, i) => wordDocument(from + i, version))
const stored = async () => {
  const ids: string[] = []
  for await (const { id } of index.scroll()) ids.push(id)
  return ids.sort()
}
const idsOf = (documents: readonly { id: string }[]) => documents.map(({ id }) => id).sort()

test('prune deletes what the source did not give, changed or not, whole', async () => {
  await index.add(some(0, 700))
  const source = [...some(0, 300), ...some(300, 400, 1), ...some(700, 750)]
  expect(await index.add(source, { prune: true })).toMatchObject({
    added: 50,
    updated: 100,
    unchanged: 300,
    pruned: 300,
  })
  expect(await stored()).toEqual(idsOf(source))
  expect((await index.info()).points).toBe((await store.scrollKeys('docs', { limit: 10_000 })).keys.length)
  expect(await index.add(source, { prune: true })).toMatchObject({ unchanged: 450, pruned: 0, chunks: 0 })
})

test('a document that fails keeps what is stored of it, and so does one that is to be kept', async () => {
  await index.add(some(0, 10))
  const source = [{ id: 'd1', text: ' ' }, ...some(2, 4)]
  const report = await index.add(source, {
    prune: { keep: ({ id, payload }) => id === 'd7' && payload['version'] === 0 },
  })
  expect(report).toMatchObject({ failedCount: 1, unchanged: 2, pruned: 6 })
  expect(await stored()).toEqual(['d1', 'd2', 'd3', 'd7'])
})

test('a source that gave nothing, threw or was aborted prunes nothing', async () => {
  await index.add(some(0, 10))
  await expect(index.add([], { prune: true })).rejects.toMatchObject({ code: 'invalid-input' })
  function* failing() {
    yield* some(0, 2)
    throw new Error('the source broke')
  }
  await expect(index.add(failing(), { prune: true })).rejects.toThrow('the source broke')
  await expect(index.add(some(0, 2), { prune: true, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'aborted',
  })
  expect(await index.count()).toBe(10)
})

test('runs that overlap never delete what either of them gave', async () => {
  await index.add(some(0, 40))
  await using other = await openIndex({ name: 'docs', encoder, store })
  async function* around() {
    yield* some(0, 10)
    await other.add(some(0, 20), { prune: true })
    yield* some(10, 20)
  }
  await index.add(around(), { prune: true })
  expect(await stored()).toEqual(idsOf(some(0, 20)))
})

test('shards split a source without gap or overlap, and prune only their own', async () => {
  await index.add(some(0, 500))
  const source = [...some(0, 250), ...some(600, 700)]
  const shards = [1, 2, 3].map((number) => ({ number, of: 3 }))
  let pruned = 0
  let added = 0
  let unchanged = 0
  for (const [i, shard] of shards.entries()) {
    const report = await index.add(source, { shard, prune: true })
    pruned += report.pruned ?? 0
    added += report.added
    unchanged += report.unchanged
    expect(report.pruned).toBeGreaterThan(50)
    if (i === 0) expect(await index.count()).toBeGreaterThan(source.length) // the others' are there still
  }
  expect({ added, unchanged, pruned }).toEqual({ added: 100, unchanged: 250, pruned: 250 })
  expect(await stored()).toEqual(idsOf(source))
  for (const shard of shards)
    expect(await index.add(source, { shard, prune: true })).toMatchObject({ added: 0, pruned: 0 })
  for (const shard of [
    { number: 0, of: 3 },
    { number: 4, of: 3 },
    { number: 1.5, of: 3 },
    { number: 1, of: 0 },
  ])
    await expect(index.add(source, { shard })).rejects.toMatchObject({ code: 'invalid-option' })
})

test('a run goes on right when the index is re-indexed in the middle, and says so when it cannot', async () => {
  await using right = await loadEncoder(models.right)
  await index.add(some(0, 300))
  async function* movedAfter(first: number, drop: boolean) {
    yield* some(0, first)
    await reindex({ store, index: 'docs', encoder: drop ? encoder : right })
    if (drop) await dropOldIndex({ store, index: 'docs' })
    yield* some(first, 290)
  }
  expect(await index.add(movedAfter(280, false), { prune: true })).toMatchObject({ pruned: 10 })
  expect(await stored()).toEqual(idsOf(some(0, 290)))
  await expect(index.add(movedAfter(280, true), { prune: true })).rejects.toMatchObject({ code: 'store-busy' })
  expect(await stored()).toEqual(idsOf(some(0, 290)))
})
