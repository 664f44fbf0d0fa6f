import { QdrantClient } from '@qdrant/js-client-rest'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contains, exists, type Filter, gte, oneOf, range } from '../../../src/index/filter/index.ts'
import { dropIndex } from '../../../src/index/generations/generations.ts'
import { qdrant } from '../../../src/index/stores/qdrant.ts'
import type { CollectionSchema, VectorStore } from '../../../src/index/stores/store.ts'
import { loadEncoder, openIndex } from '../../../src/main.ts'
import { seededPoints, seededSchema } from '../../support/points.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'

const subject = await openQdrant('strict')
if (!subject) console.log("skipped: Qdrant's strict mode: no server and no recording")
afterAll(() => subject?.close())

/** Far below our own sizes. */
const tight = {
  enabled: true,
  max_query_limit: 7,
  max_timeout: 5,
  upsert_max_batchsize: 4,
  search_max_batchsize: 3,
  filter_max_conditions: 12,
  condition_max_size: 5,
  search_max_hnsw_ef: 16,
  search_allow_exact: false,
  unindexed_filtering_retrieve: false,
  unindexed_filtering_update: false,
}
const schema: CollectionSchema = { ...seededSchema(8), fields: { year: 'number', source: 'keyword', on: 'date' } }
const points = seededPoints(30, 8, 2).map((point, i) => ({
  ...point,
  payload: { ...point.payload, on: `2024-05-${10 + (i >> 1)}` },
}))

describe.skipIf(!subject)('strict mode', () => {
  const client = new QdrantClient({ url: subject?.url ?? 'http://localhost', checkCompatibility: false })
  const open = (strict: object = tight) =>
    qdrant({ url: subject?.url ?? '', collection: { strict_mode_config: strict } })
  beforeEach(() => subject?.begin(expect.getState().currentTestName ?? ''))
  afterEach(() => subject?.end())

  async function filled(): Promise<VectorStore> {
    const store = open()
    await store.ensure('docs', schema)
    await store.upsert('docs', points)
    return store
  }

  test('everything works in limits below our own sizes', async () => {
    await using store = await filled()
    expect(await store.count('docs')).toBe(30)
    expect(await store.info('docs')).toMatchObject({ points: 30 })
    const documents = points.map(({ documentId }) => documentId)
    expect(await store.keys('docs', documents)).toHaveLength(30)
    expect(await store.get('docs', { ids: points.map(({ id }) => id) }, { vectors: true })).toHaveLength(30)
    const walked: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.scroll('docs', cursor === undefined ? {} : { cursor })
      walked.push(...page.points.map(({ id }) => id))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(walked.sort()).toEqual(points.map(({ id }) => id).sort())
    await store.markSeen('docs', documents, 5)
    expect((await store.scroll('docs', { seenBefore: 5 })).points).toEqual([])
    expect(await store.delete('docs', { documents: documents.slice(0, 14) })).toBe(14)
    await store.upsert('docs', points.slice(0, 14), { onlyNew: true })
    await store.optimize('docs')
    expect(await store.count('docs', { unit: 'documents' })).toBe(15)
  })

  test('searches go deeper than one answer, and are what they are without limits', async () => {
    await using store = await filled()
    await using free = qdrant({ url: subject?.url ?? '' })
    await free.ensure('free', schema)
    await free.upsert('free', points)
    const { vector, terms } = points[3] ?? { vector: new Float32Array(8), terms: [] }
    for (const search of [
      { mode: 'dense', vector },
      { mode: 'bm25', terms },
      { mode: 'hybrid', vector, terms },
    ] as const) {
      for (const groupByDocument of [false, true]) {
        const query = { ...search, groupByDocument, limit: 12, offset: 2 }
        const ids = async (at: VectorStore, name: string) =>
          (await at.query(name, query)).map(({ point: { id } }) => id)
        expect(await ids(store, 'docs')).toEqual(await ids(free, 'free'))
      }
    }
    const many = Array.from({ length: 7 }, () => ({ mode: 'dense', vector, limit: 3 }) as const)
    expect(await store.queryMany('docs', many)).toHaveLength(7)
    await expect(store.query('docs', { mode: 'dense', vector, limit: 3, exact: true })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/search_allow_exact/),
    })
  })

  test('declared fields are filtered on in every way; too many conditions are refused', async () => {
    await using store = await filled()
    const count = (filter: Filter) => store.count('docs', { filter, unit: 'documents' })
    expect(await count(contains('source', '1'))).toBe(5)
    expect(await count(range('source', { gte: 's1' }))).toBe(10)
    expect(await count(exists('on'))).toBe(15)
    expect(await count(gte('on', new Date('2024-05-20')))).toBe(5)
    expect(await count(oneOf('source', ['s0', 's1', ...Array.from({ length: 9 }, (_, i) => `x${i}`)]))).toBe(10)
    expect(await count(oneOf('year', [2000, 2001, ...Array.from({ length: 16 }, (_, i) => i)]))).toBe(2)
    await expect(
      count(
        oneOf(
          'year',
          Array.from({ length: 14 }, (_, i) => 2000 + i),
        ),
      ),
    ).rejects.toMatchObject({
      code: 'invalid-filter',
      message: expect.stringMatching(/14 conditions.*takes 12/),
    })
    await expect(count(contains('tags', 'x'))).rejects.toMatchObject({ code: 'invalid-filter' })
  })

  test('limits that are set later are kept to as well', async () => {
    await using store = qdrant({ url: subject?.url ?? '' })
    await store.ensure('docs', schema)
    await store.upsert('docs', points.slice(0, 20))
    await client.updateCollection('docs', { strict_mode_config: tight })
    await store.upsert('docs', points)
    expect(await store.keys('docs', [...new Set(points.map(({ documentId }) => documentId))])).toHaveLength(30)
    expect(await store.count('docs')).toBe(30)
  })

  test('a collection that cannot get its indexes is not left behind', async () => {
    await using encoder = await loadEncoder()
    await using store = open({ enabled: true, max_payload_index_count: 3 })
    await using index = await openIndex({ name: 'texts', encoder, store, fields: { year: 'number' } })
    await expect(index.add([{ id: 'a', text: 'Asthma.' }])).rejects.toMatchObject({
      message: expect.stringMatching(/maximum number of payload ind/),
    })
    expect(await store.list()).toEqual([])
    expect((await store.aliases()).size).toBe(0)
  })

  test('a collection of others is read, searched and dropped', async () => {
    await client.createCollection('theirs', { vectors: { size: 8, distance: 'Cosine' }, strict_mode_config: tight })
    for (let at = 0; at < 12; at += 4)
      await client.upsert('theirs', {
        wait: true,
        points: points.slice(at, at + 4).map(({ vector, content: { text } }, i) => ({
          id: at + i,
          vector: Array.from(vector),
          payload: { text, metadata: { n: i } },
        })),
      })
    await using store = open()
    expect(await store.info('theirs')).toMatchObject({ points: 12, foreign: { text: 'text', payload: 'metadata' } })
    expect(await store.count('theirs', { unit: 'documents' })).toBe(12)
    expect(await store.get('theirs', { documents: ['3', '11'] })).toHaveLength(2)
    const vector = points[9]?.vector ?? new Float32Array(8)
    const hits = await store.query('theirs', { mode: 'dense', vector, limit: 10, groupByDocument: true })
    expect(hits.map(({ point }) => point.documentId)[0]).toBe('9')
    expect(new Set(hits.map(({ point }) => point.documentId)).size).toBe(10)
    await dropIndex(store, 'theirs')
    expect(await store.list()).toEqual([])
  })
})
