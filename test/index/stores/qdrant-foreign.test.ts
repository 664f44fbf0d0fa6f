import { QdrantClient } from '@qdrant/js-client-rest'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contains, eq, not } from '../../../src/index/filter/index.ts'
import { isUnknown } from '../../../src/index/stores/check.ts'
import { type ForeignOptions, qdrant } from '../../../src/index/stores/qdrant.ts'
import { loadEncoder, openIndex } from '../../../src/main.ts'
import { seededPoints } from '../../support/points.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const subject = await openQdrant('foreign')
if (!subject) console.log('skipped: collections made by others: no server and no recording')
afterAll(() => subject?.close())

const dimensions = 4
const vectors = seededPoints(3, dimensions).map(({ vector }) => Array.from(vector))
const [first = [], second = [], third = []] = vectors
const uuid = (i: number) => `00000000-0000-4000-8000-00000000000${i}`
const texts = ['Asthma is treated with inhalers.', 'Iron is removed with blood.', 'Ticks are removed with tweezers.']

/** The client writes a BigInt as an integer, which its types do not say. */
function large(integer: bigint): number {
  const isWritten = (value: unknown): value is number => typeof value === 'bigint'
  const value: unknown = integer
  return isWritten(value) ? value : 0
}

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
  LlamaIndex: {
    vectors: { size: dimensions, distance: 'Cosine' as const },
    points: texts.map((text, i) => ({
      id: uuid(i),
      vector: vectors[i] ?? [],
      payload: {
        _node_content: JSON.stringify({ id_: uuid(i), embedding: null, metadata: { source: `s${i}` }, text }),
        _node_type: 'TextNode',
        document_id: `doc ${i}`,
        source: `s${i}`,
      },
    })),
    filtered: eq('source', 's1'),
    payload: { source: 's1', document_id: 'doc 1', _node_type: 'TextNode' },
  },
  Haystack: {
    vectors: { size: dimensions, distance: 'Cosine' as const },
    points: texts.map((content, i) => ({
      id: uuid(i),
      vector: vectors[i] ?? [],
      payload: { id: `h${i}`, content, meta: { source: `s${i}` }, blob: null },
    })),
    filtered: eq('source', 's1'),
    payload: { source: 's1' },
  },
  'a short text beside the long one': {
    vectors: { size: dimensions, distance: 'Cosine' as const },
    points: texts.map((Inhalt, i) => ({
      id: i,
      vector: vectors[i] ?? [],
      payload: {
        text: 'en',
        description: 'A page.',
        url: `https://example.org/${'long/'.repeat(40)}${i}`,
        Inhalt,
        n: i,
      },
    })),
    filtered: eq('n', 1),
    payload: { text: 'en', n: 1 },
  },
  'a field of our own name': {
    vectors: { size: dimensions, distance: 'Cosine' as const },
    points: texts.map((text, i) => ({
      id: i,
      vector: vectors[i] ?? [],
      payload: { text, qontrast: i === 0 ? 'mine' : { id: i, chunk: 'x' }, n: i },
    })),
    filtered: eq('n', 1),
    payload: { qontrast: { id: 1, chunk: 'x' }, n: 1 },
  },
  'integers of 64 bits': {
    vectors: { size: dimensions, distance: 'Cosine' as const },
    points: texts.map((text, i) => ({
      id: large(2n ** 64n - 1n - BigInt(i)),
      vector: vectors[i] ?? [],
      payload: { text, n: large(2n ** 53n + 1n + BigInt(2 * i)), u: large(2n ** 64n - 5n) },
    })),
    filtered: eq('n', '9007199254740995'),
    payload: { n: '9007199254740995', u: '18446744073709551611' },
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
        point: { documentId: String(points[1]?.id), content: { text: texts[1] }, chunk: 0, chunks: 1, payload },
      })
      const found = await store.query('theirs', {
        mode: 'dense',
        vector: Float32Array.from(first),
        limit: 5,
        groupByDocument: true,
        filter: filtered,
      })
      expect(found.map(({ point }) => point.content.text)).toEqual([texts[1]])
      expect(await store.count('theirs', { filter: filtered, unit: 'documents' })).toBe(1)
      expect(await store.count('theirs', { unit: 'documents' })).toBe(3)
      const id = String(points[2]?.id)
      expect((await store.get('theirs', { documents: [id] })).map(({ content }) => content.text)).toEqual([texts[2]])
      expect(await store.keys('theirs', [id, 'absent'])).toHaveLength(1)
      expect((await store.scroll('theirs', { vectors: true })).points.map(({ vector }) => vector?.length)).toEqual([
        4, 4, 4,
      ])
      const walked: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.scroll('theirs', { limit: 1, ...(cursor === undefined ? {} : { cursor }) })
        walked.push(...page.points.map(({ documentId }) => documentId))
        cursor = page.cursor
      } while (cursor !== undefined)
      expect(walked.sort()).toEqual(points.map((point) => String(point.id)).sort())
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
      points: wide.map(({ vector, content: { text } }, id) => ({ id, vector: Array.from(vector), payload: { text } })),
    })
    await using store = open()
    await using index = await openIndex({ name: 'theirs', encoder, store })
    const [hit] = await index.search({ vector: wide[2]?.vector ?? [] })
    expect(hit).toMatchObject({ id: '2', passage: wide[2]?.content.text })
    expect(await index.get('1')).toMatchObject({ id: '1', text: wide[1]?.content.text })
    expect(await index.count()).toBe(3)
  })

  test('integers past 2^53 are the strings of their digits, in hits, filters and documents', async () => {
    await using encoder = await loadEncoder()
    const wide = seededPoints(3, encoder.dimensions)
    await client.createCollection('theirs', { vectors: { size: encoder.dimensions, distance: 'Cosine' } })
    await client.upsert('theirs', {
      wait: true,
      points: wide.map(({ vector, content: { text } }, i) => ({
        id: large(2n ** 63n + BigInt(i)),
        vector: Array.from(vector),
        payload: {
          text,
          n: large(2n ** 60n + BigInt(i)),
          u: large(2n ** 64n - 1n - BigInt(i)),
          deep: { of: [large(-(2n ** 63n))] },
        },
      })),
    })
    await using store = open()
    await using index = await openIndex({ name: 'theirs', encoder, store })
    const [hit] = await index.search({ vector: wide[1]?.vector ?? [] })
    const payload = { n: '1152921504606846977', u: '18446744073709551614', deep: { of: ['-9223372036854775808'] } }
    expect(hit).toMatchObject({ id: '9223372036854775809', payload })
    expect(JSON.parse(JSON.stringify(hit))).toMatchObject({ payload })
    const document = await index.get(hit?.id ?? '')
    expect(document).toMatchObject({ id: hit?.id, payload })
    expect(await index.count({ n: payload.n })).toBe(1)
    expect(await index.count({ n: [payload.n, '1152921504606846978', 'x'] })).toBe(2)
    expect(await index.count({ u: payload.u })).toBe(1)
    expect(await index.count({ $not: { u: payload.u } })).toBe(2)
    await using own = await openIndex({ name: 'own', encoder, path: await temporaryFolder() })
    await own.add(document ? [document] : [])
    expect(await own.get(hit?.id ?? '')).toEqual(document)
  })

  test('an index of words does not change what contains means', async () => {
    const { vectors, points } = tools['the Python client']
    await client.createCollection('theirs', { vectors })
    await client.upsert('theirs', { wait: true, points })
    await client.createPayloadIndex('theirs', { field_name: 'text', field_schema: 'text', wait: true })
    await client.createPayloadIndex('theirs', { field_name: 'source', field_schema: 'text', wait: true })
    await using store = open({ text: 'year' })
    for (const [part, found] of [
      ['sthm', 1],
      ['removed with', 2],
      ['with removed', 0],
      ['asthma', 0],
      ['', 3],
    ] as const)
      expect(await store.count('theirs', { filter: contains('text', part) })).toBe(found)
    expect(await store.count('theirs', { filter: not(contains('source', '1')) })).toBe(2)
  })

  test('says where it found what, and takes another word for it', async () => {
    const { vectors, points } = tools['a short text beside the long one']
    await client.createCollection('theirs', { vectors })
    await client.upsert('theirs', { wait: true, points })
    expect((await open().info('theirs'))?.foreign).toEqual({ vector: '', text: 'Inhalt', payload: undefined })
    await using store = open({ text: 'description' })
    expect((await store.info('theirs'))?.foreign?.text).toBe('description')
    expect((await store.get('theirs', { documents: ['1'] })).map(({ content }) => content.text)).toEqual(['A page.'])
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
    expect(hit?.point).toMatchObject({ id: '1', content: { text: '' }, payload: { size: 3 } })
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
    expect(raw?.payload).toMatchObject({ page_content: ours[0]?.content.text, metadata: { source: 's0' } })
    expect(await store.delete('theirs', { documents: ['d0', 'd1'] })).toBe(2)
    expect(await store.count('theirs')).toBe(3)

    await using flat = open({ write: true, payload: false })
    const hiding = ours.map((point) => ({ ...point, payload: { page_content: 'mine' } }))
    await expect(flat.upsert('theirs', hiding)).rejects.toMatchObject({ code: 'invalid-input' })
  })
})
