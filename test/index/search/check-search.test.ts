import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Encoder, loadEncoder, openIndex, type SearchIndex } from '../../../src/main.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const documents = ['asthma', 'iron', 'ticks'].map((id) => ({ id, text: `A text about ${id}.`, payload: {} }))

let encoder: Encoder
let index: SearchIndex
beforeAll(async () => {
  encoder = await loadEncoder()
  index = await openIndex({ name: 'docs', encoder, path: await temporaryFolder() })
})
afterAll(async () => {
  await index.close()
  await encoder.close()
})
beforeEach(async () => {
  await index.add(documents)
})

test('minScore goes with a vector whatever mode texts are searched in', async () => {
  const vector = (await encoder.encode(['asthma'])).row(0)
  const [best] = await index.search({ vector })
  expect(await index.search({ vector }, { minScore: (best?.score ?? 0) - 1e-6 })).toHaveLength(1)
  await expect(index.searchMany([{ vector }, 'asthma'], { mode: 'hybrid', minScore: 0 })).rejects.toMatchObject({
    code: 'invalid-option',
  })
})

test('the length of a query vector does not matter, but it must have one', async () => {
  const vector = (await encoder.encode(['asthma'])).row(0)
  const hits = await index.search({ vector })
  const longer = await index.search({ vector: [...vector].map((value) => value * 10) })
  expect(longer.map(({ id }) => id)).toEqual(hits.map(({ id }) => id))
  await expect(index.search({ vector: vector.map(() => 0) })).rejects.toMatchObject({ code: 'invalid-input' })
})

test.each([[undefined], [null], [7], [{}], [{ vector: 'x' }]])('refuses %j as a query', async (query) => {
  // @ts-expect-error: callers without types
  await expect(index.search(query)).rejects.toMatchObject({ code: 'invalid-input' })
})

test('refuses options that would change the answer in silence', async () => {
  // @ts-expect-error: callers without types
  await expect(index.search('iron', { groupBy: 'chunks' })).rejects.toMatchObject({ code: 'invalid-option' })
  const nothing = { mode: 'dense', minScore: Number.NaN } as const
  await expect(index.search('iron', nothing)).rejects.toMatchObject({ code: 'invalid-option' })
})

test('gets several documents in the order of their ids', async () => {
  expect(await index.get(['ticks', 'absent', 'iron', 'ticks'])).toEqual([
    documents[2],
    undefined,
    documents[1],
    documents[2],
  ])
  expect(await index.get([])).toEqual([])
})

test.each([[undefined], [null], [7], [{}], [['iron', 7]], [{ filter: undefined }]])(
  'refuses to delete %j, and deletes nothing',
  async (selection) => {
    // @ts-expect-error: callers without types
    await expect(index.delete(selection)).rejects.toMatchObject({ code: expect.stringMatching(/^invalid-/) })
    expect(await index.count()).toBe(documents.length)
  },
)
