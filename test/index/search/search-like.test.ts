import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../../src/api/index.ts'
import { type Encoder, lancedb, loadEncoder, openIndex, type SearchIndex, type VectorStore } from '../../../src/main.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const documents = [
  { id: 'asthma', text: 'Asthma narrows the airways of the lungs; inhalers open them.', payload: { tenant: 'a' } },
  { id: 'bronchitis', text: 'Bronchitis inflames the airways of the lungs.', payload: { tenant: 'a' } },
  { id: 'copd', text: 'COPD narrows the airways; smokers get it, inhalers help.', payload: { tenant: 'b' } },
  { id: 'ticks', text: 'Ticks transmit Lyme disease. Remove a tick with tweezers.', payload: { tenant: 'a' } },
  { id: 'fleas', text: 'Fleas bite cats and dogs; a tick does too.', payload: { tenant: 'b' } },
  { id: 'iron', text: 'Too much iron in the blood is removed by drawing blood.', payload: { tenant: 'a' } },
]

let encoder: Encoder
let store: VectorStore
let index: SearchIndex
beforeAll(async () => {
  encoder = await loadEncoder()
  store = lancedb({ path: await temporaryFolder() })
  index = await openIndex({ name: 'docs', encoder, store })
  await index.add(documents)
})
afterAll(async () => {
  await store.close()
  await encoder.close()
})

const ids = (hits: readonly { id: string }[] | undefined) => hits?.map(({ id }) => id)

describe('searchLike', () => {
  test('by one id is the same as by examples of one', async () => {
    const one = await index.searchLike('asthma')
    expect(ids(one)).toEqual(ids(await index.searchLike({ like: ['asthma'] })))
    expect(one).toHaveLength(5)
    expect(ids(one)).not.toContain('asthma')
  })

  test('by several leaves all of them out, and has pages', async () => {
    const all = await index.searchLike({ like: ['asthma', 'bronchitis'] })
    expect(all[0]?.id).toBe('copd')
    expect(all).toHaveLength(4)
    const second = await index.searchLike({ like: ['asthma', 'bronchitis'] }, { offset: 1, limit: 2 })
    expect(ids(second)).toEqual(ids(all.slice(1, 3)))
  })

  test('its score is the cosine with mean of the wanted less mean of the unwanted', async () => {
    const vectors = await encoder.encode(documents.map(({ text }) => text))
    const [asthma, bronchitis, copd, ticks] = [0, 1, 2, 3].map((row) => vectors.row(row))
    const query = Float32Array.from(asthma ?? [], (x, i) => (x + (bronchitis?.[i] ?? 0)) / 2 - (ticks?.[i] ?? 0))
    const length = Math.hypot(...query)
    const expected = query.reduce((sum, x, i) => sum + (x / length) * (copd?.[i] ?? 0), 0)
    const [best] = await index.searchLike({ like: ['asthma', 'bronchitis'], unlike: 'ticks' })
    expect(best?.id).toBe('copd')
    expect(best?.score).toBeCloseTo(expected, 4)
  })

  test('finds by words in mode bm25, and what is unlike has none of them', async () => {
    const hits = ids(await index.searchLike({ like: 'ticks' }, { mode: 'bm25' }))
    expect(hits?.sort()).toEqual(['fleas', 'iron']) // a tick, and remove
    expect(ids(await index.searchLike({ like: ['ticks'], unlike: 'fleas' }, { mode: 'bm25' }))).not.toContain('fleas')
  })

  test('fuses both in mode hybrid', async () => {
    const hits = await index.searchLike({ like: ['ticks'] }, { mode: 'hybrid' })
    expect(hits[0]?.id).toBe('fleas')
    expect(hits).toHaveLength(5)
  })

  test('looks at examples through the filter', async () => {
    expect(ids(await index.searchLike({ like: 'asthma' }, { filter: { tenant: 'a' } }))).toHaveLength(3)
    await expect(index.searchLike({ like: 'copd' }, { filter: { tenant: 'a' } })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('"copd"'),
    })
    expect(await index.searchLike('copd', { filter: { tenant: 'a' } })).toBeUndefined()
  })

  test.each([
    [{ like: [] }, 'invalid-input', 'like names no document'],
    [{ like: 'asthma', unlike: ['asthma'] }, 'invalid-input', 'both like and unlike "asthma"'],
    [{ like: ['asthma', 'nope'] }, 'not-found', 'no document "nope"'],
    [{ like: 'asthma', unlikes: 'copd' }, 'invalid-option', 'no option "unlikes". Did you mean "unlike"?'],
    [{ like: Array.from({ length: 101 }, (_, i) => `d${i}`) }, 'invalid-input', '101 examples; at most 100'],
  ])('refuses %j', async (examples, code, message) => {
    await expect(index.searchLike(examples)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('is the same over HTTP', async () => {
    const app = createApp({ indexes: { store, encoders: { default: encoder } } })
    const like = { like: ['asthma', 'bronchitis'], unlike: 'ticks' }
    const answer = await app.request('/v1/indexes/docs/search', {
      method: 'POST',
      headers: { 'content-type': 'application/json', host: 'localhost' },
      body: JSON.stringify({ queries: [like, { id: 'asthma' }, { like: 'asthma' }], limit: 3 }),
    })
    expect(answer.status).toBe(200)
    const { results }: { results: { hits: { id: string }[] }[] } = JSON.parse(await answer.text())
    const [examples, byId, byOne] = results.map(({ hits }) => ids(hits))
    expect(examples).toEqual(ids(await index.searchLike(like, { limit: 3 })))
    expect(byId).toEqual(byOne)
  })
})

describe('marks', () => {
  test('say where a hit has the words of the query, and come with it in JSON', async () => {
    const [hit] = await index.search('inhaler', { mode: 'bm25', filter: { tenant: 'a' } })
    expect(hit?.marks.map(([start, end]) => hit.passage.slice(start, end))).toEqual(['inhalers'])
    expect(JSON.parse(JSON.stringify(hit))).toHaveProperty('marks', hit?.marks)
  })

  test('are none where the query was a vector or a document', async () => {
    const [like] = (await index.searchLike('asthma')) ?? []
    expect(like?.marks).toEqual([])
  })
})
