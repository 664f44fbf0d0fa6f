import { QdrantClient } from '@qdrant/js-client-rest'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isUnknown } from '../../../src/index/check.ts'
import { eq } from '../../../src/index/filter.ts'
import { type ForeignOptions, qdrant } from '../../../src/index/stores/qdrant.ts'
import { loadEncoder, openIndex } from '../../../src/main.ts'
import { seededPoints } from '../../support/points.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'

const subject = await openQdrant('foreign')
if (!subject) console.log('skipped: collections made by others: no server and no recording')
afterAll(() => subject?.close())

const dimensions = 4
const vectors = seededPoints(3, dimensions).map(({ vector }) => Array.from(vector))
const [first = [], second = [], third = []] = vectors
const uuid = (i: number) => `00000000-0000-4000-8000-00000000000${i}`
const texts = ['Asthma is treated with inhalers.', 'Iron is removed with blood.', 'Ticks are removed with tweezers.']

/** What each tool leaves on a server, and how it reads here. */
const tools = {
  langchain: {
    vectors: { size: dimensions, distance: 'Cosine' as const },
    points: texts.map((text, i) => ({
      id: uuid(i),
      vector: vectors[i] ?? [],
      payload: { page_content: text, metadata: { source: `s${i}`, loc: { line: i } } },
    })),
    filtered: eq('source', 's1'),
    payload: { source: 's1', loc: { line: 1 } },
  },
  'mcp-server-qdrant': {
    vectors: { 'fast-all-minilm-l6-v2': { size: dimensions, distance: 'Cosine' as const } },
    points: texts.map((text, i) => ({
      id: uuid(i),
      vector: { 'fast-all-minilm-l6-v2': vectors[i] ?? [] },
      payload: { document: text, metadata: { source: `s${i}` } },
    })),
    filtered: eq('source', 's1'),
    payload: { source: 's1' },
  },
  'the Python client': {
    vectors: { size: dimensions, distance: 'Dot' as const },
    points: texts.map((text, i) => ({ id: i, vector: vectors[i] ?? [], payload: { text, source: `s${i}`, year: i } })),
    filtered: eq('year', 1),
    payload: { source: 's1', year: 1 },
  },
  'a key of its own': {
    vectors: { size: dimensions, distance: 'Euclid' as const },
    points: texts.map((text, i) => ({ id: i, vector: vectors[i] ?? [], payload: { lang: 'en', Inhalt: text, n: i } })),
    filtered: eq('n', 1),
    payload: { lang: 'en', n: 1 },
  },
}

describe.skipIf(!subject)('a collection made by others', () => {
  let client: QdrantClient
  beforeEach(async () => {
    await subject?.begin(expect.getState().currentTestName ?? '')
    client = new QdrantClient({ url: subject?.url ?? '', checkCompatibility: false })
  })
  afterEach(() => subject?.end())
  const open = (foreign?: ForeignOptions) => qdrant({ url: subject?.url ?? '', ...(foreign ? { foreign } : {}) })

  for (const [tool, { vectors, points, filtered, payload }] of Object.entries(tools)) {
    test(`${tool}: is searched, filtered, counted and read`, async () => {
      await client.createCollection('theirs', { vectors })
      await client.upsert('theirs', { wait: true, points })
      await using store = open()
      const hits = await store.query('theirs', { mode: 'dense', vector: Float32Array.from(second), limit: 2 })
      expect(hits[0]).toMatchObject({
        score: expect.closeTo(1, 5),
        point: { documentId: String(points[1]?.id), text: texts[1], chunk: 0, chunks: 1, payload },
      })
      const found = await store.query('theirs', {
        mode: 'dense',
        vector: Float32Array.from(first),
        limit: 5,
        groupByDocument: true,
        filter: filtered,
      })
      expect(found.map(({ point }) => point.text)).toEqual([texts[1]])
      expect(await store.count('theirs', { filter: filtered, unit: 'documents' })).toBe(1)
      expect(await store.count('theirs', { unit: 'documents' })).toBe(3)
      const id = String(points[2]?.id)
      expect((await store.get('theirs', { documents: [id] })).map(({ text }) => text)).toEqual([texts[2]])
      expect(await store.keys('theirs', [id, 'absent'])).toHaveLength(1)
      expect((await store.scroll('theirs', { vectors: true })).points.map(({ vector }) => vector?.length)).toEqual([
        4, 4, 4,
      ])
      const info = await store.info('theirs')
      expect(info && isUnknown(info.schema)).toBe(true)
      await expect(store.query('theirs', { mode: 'bm25', terms: ['x'], limit: 1 })).rejects.toMatchObject({
        code: 'invalid-option',
        message: expect.stringMatching(/mode dense/),
      })
      await expect(store.delete('theirs', { documents: [id] })).rejects.toMatchObject({ code: 'invalid-option' })
    })
  }

  test('any encoder of its size opens it as an index, and searches it densely', async () => {
    await using encoder = await loadEncoder()
    const wide = seededPoints(3, encoder.dimensions)
    await client.createCollection('theirs', { vectors: { size: encoder.dimensions, distance: 'Cosine' } })
    await client.upsert('theirs', {
      wait: true,
      points: wide.map(({ vector, text }, id) => ({ id, vector: Array.from(vector), payload: { text } })),
    })
    await using store = open()
    await using index = await openIndex({ name: 'theirs', encoder, store })
    const [hit] = await index.search({ vector: wide[2]?.vector ?? [] })
    expect(hit).toMatchObject({ id: '2', passage: wide[2]?.text })
    expect(await index.get('1')).toMatchObject({ id: '1', text: wide[1]?.text })
    expect(await index.count()).toBe(3)
  })

  test('several vectors, or no text, need to be told', async () => {
    const size = { size: dimensions, distance: 'Cosine' as const }
    await client.createCollection('theirs', { vectors: { image: size, title: size } })
    await client.upsert('theirs', { wait: true, points: [{ id: 1, vector: { title: third }, payload: { size: 3 } }] })
    const query = { mode: 'dense' as const, vector: Float32Array.from(third), limit: 1 }
    await expect(open().query('theirs', query)).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/"image", "title".*foreign: \{ vector \}/),
    })
    await expect(open({ vector: 'title' }).query('theirs', query)).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/no text.*keys: size.*foreign: \{ text \}/s),
    })
    const [hit] = await open({ vector: 'title', text: 'words' }).query('theirs', query)
    expect(hit?.point).toMatchObject({ id: '1', text: '', payload: { size: 3 } })
  })

  test('is written into with a flag only, and what was there stays', async () => {
    const { vectors, points } = tools.langchain
    await client.createCollection('theirs', { vectors })
    await client.upsert('theirs', { wait: true, points })
    const schema = { dimensions, encoder: { name: 'fixed', fingerprint: 'f'.repeat(32) }, fields: {} }
    const ours = seededPoints(2, dimensions)
    for (const write of [() => open().ensure('theirs', schema), () => open().upsert('theirs', ours)]) {
      await expect(write()).rejects.toMatchObject({
        code: 'invalid-option',
        message: expect.stringMatching(/write: true/),
      })
    }
    await using store = open({ write: true })
    await store.ensure('theirs', schema)
    await store.upsert('theirs', ours)
    expect(await store.count('theirs', { unit: 'documents' })).toBe(5)
    const { terms, vector, ...record } = ours[0] ?? { terms: [], vector: [] }
    expect(await store.get('theirs', { documents: ['d0'] })).toEqual([record])
    const [raw] = (
      await client.scroll('theirs', { filter: { must: [{ key: 'qontrast.document', match: { value: 'd0' } }] } })
    ).points
    expect(raw?.payload).toMatchObject({ page_content: ours[0]?.text, metadata: { source: 's0' } })
    expect(await store.delete('theirs', { documents: ['d0', 'd1'] })).toBe(2)
    expect(await store.count('theirs')).toBe(3)

    await using flat = open({ write: true, payload: false })
    const hiding = ours.map((point) => ({ ...point, payload: { page_content: 'mine' } }))
    await expect(flat.upsert('theirs', hiding)).rejects.toMatchObject({ code: 'invalid-input' })
  })
})
