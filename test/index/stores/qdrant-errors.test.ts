import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eq, exists, gte } from '../../../src/index/filter/index.ts'
import { type QdrantOptions, qdrant } from '../../../src/index/stores/qdrant.ts'
import type { VectorStore } from '../../../src/index/stores/store.ts'
import { type FaultyProxy, startFaultyProxy } from '../../support/faulty-proxy.ts'
import { seededPoints, seededSchema } from '../../support/points.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'

const rightKey = 'right'
const subject = await openQdrant('errors')
const limited = await openQdrant('limits', { SERVICE__API_KEY: rightKey, SERVICE__MAX_REQUEST_SIZE_MB: '1' })
if (!subject || !limited) console.log('skipped: errors of Qdrant: no server and no recording')
afterAll(() => Promise.all([subject?.close(), limited?.close()]))

const schema = seededSchema(8)
const points = seededPoints(6, 8)

describe.skipIf(!subject)('a server that fails', () => {
  let proxy: FaultyProxy
  let store: VectorStore
  const open = (options: Pick<QdrantOptions, 'collection' | 'retries' | 'timeout'> = {}) =>
    qdrant({ url: proxy.url, retries: 4, ...options })
  beforeEach(async () => {
    await subject?.begin(expect.getState().currentTestName ?? '')
    proxy = await startFaultyProxy(subject?.url ?? '')
    store = open()
  })
  afterEach(async () => {
    await store.close()
    await proxy.stop()
    await subject?.end()
  })

  test('down at the start: says so at once, and works when it is up', async () => {
    await proxy.stop()
    await expect(store.list()).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\).*Start it/),
    })
    await proxy.start()
    await store.ensure('docs', schema)
    expect(await store.count('docs')).toBe(0)
  })

  test('down in the middle: fails after some tries, loses nothing, and recovers by itself', async () => {
    const impatient = open({ retries: 1 })
    await impatient.ensure('docs', schema)
    await impatient.upsert('docs', points.slice(0, 3))
    await proxy.stop()
    await expect(impatient.upsert('docs', points)).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(impatient.count('docs')).rejects.toMatchObject({ code: 'store-unavailable' })
    await proxy.start()
    await impatient.upsert('docs', points)
    expect(await impatient.count('docs')).toBe(6)
  })

  test('flapping: calls are tried again, also where only the answer was lost', async () => {
    await store.ensure('docs', schema)
    proxy.faults.push('drop', { status: 503, body: { status: { error: 'not now' } } }, 'drop answer')
    await store.upsert('docs', points)
    proxy.faults.push('drop', 'drop')
    expect(await store.count('docs')).toBe(6)
  })

  test('a collection whose making was acknowledged to nobody is there once', async () => {
    await store.list()
    proxy.faults.push('pass', 'pass', 'drop answer') // is it there, is its name free, make it
    await store.ensure('docs', schema)
    await store.upsert('docs', points)
    expect(await store.list()).toEqual(['docs'])
  })

  test('slow: the call ends with its timeout', async () => {
    proxy.faults.push('hang')
    await expect(open({ timeout: 100 }).list()).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/did not answer within 100 ms/),
    })
    expect(await store.list()).toEqual([])
  })

  test('limiting the rate: waits as long as it is asked to, and gives up in the end', async () => {
    await store.ensure('docs', schema)
    const limit = {
      status: 429,
      headers: { 'retry-after': '1' },
      body: { status: { error: 'Rate limiting exceeded' } },
    }
    proxy.faults.push(limit)
    const before = proxy.arrivals.length
    expect(await store.list()).toEqual(['docs'])
    const [first = 0, second = 0] = proxy.arrivals.slice(before)
    expect(second - first).toBeGreaterThan(990)

    const impatient = open({ retries: 1 })
    await impatient.list()
    const inWords = { ...limit, headers: { 'retry-after': 'Wed, 21 Oct 2099 07:28:00 GMT' } }
    proxy.faults.push(inWords, inWords)
    await expect(impatient.list()).rejects.toMatchObject({ code: 'store-busy' })
  })

  test('too old a version', async () => {
    proxy.faults.push({ status: 200, body: { title: 'qdrant - vector search engine', version: '1.12.4' } })
    await expect(store.list()).rejects.toMatchObject({
      code: 'store-outdated',
      message: expect.stringMatching(/1\.12\.4.*1\.16/),
    })
  })

  test('something else that answers at the address', async () => {
    proxy.faults.push({ status: 404, body: 'no such page' })
    await expect(store.list()).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/not Qdrant/),
    })
  })

  test('an address that is none, and a name that is none', async () => {
    expect(() => qdrant({ url: 'localhost:6333' })).toThrow(expect.objectContaining({ code: 'invalid-option' }))
    for (const name of ['a/b', '..', '', 'a\\b', 'a?b'])
      await expect(store.ensure(name, schema)).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('a collection of another encoder names the command that changes it over', async () => {
    await store.ensure('docs', schema)
    const other = { ...schema, encoder: { name: './tuned', fingerprint: 'e'.repeat(32) } }
    await expect(store.ensure('docs', other)).rejects.toMatchObject({
      code: 'encoder-mismatch',
      message: expect.stringContaining('qontrast reindex --index docs --model ./tuned'),
    })
  })

  test('strict mode: declared fields are filtered on, another says how to declare it', async () => {
    const strict = { enabled: true, unindexed_filtering_retrieve: false, unindexed_filtering_update: false }
    const store = open({ collection: { strict_mode_config: strict } })
    await store.ensure('docs', schema)
    await store.upsert('docs', points)
    await store.markSeen('docs', ['d1'], 7)
    expect((await store.scroll('docs', { seenBefore: 7 })).points).toHaveLength(5)
    expect(await store.count('docs', { filter: gte('year', 2003), unit: 'documents' })).toBe(3)
    expect(await store.delete('docs', { filter: eq('source', 's1') })).toBe(2)
    await expect(store.count('docs', { filter: eq('tags', 't1') })).rejects.toMatchObject({
      code: 'invalid-filter',
      message: expect.stringMatching(/'tags'.*fields: \{ 'tags': 'keyword' \}.*--field tags:keyword/),
    })
    const [vector = new Float32Array(8)] = points.map((point) => point.vector)
    await expect(
      store.query('docs', { mode: 'dense', vector, limit: 3, filter: gte('size', 1) }),
    ).rejects.toMatchObject({ code: 'invalid-filter', message: expect.stringMatching(/--field size:number/) })
    await expect(store.delete('docs', { filter: exists('tags') })).rejects.toMatchObject({ code: 'invalid-filter' })
    expect(await store.count('docs')).toBe(4)
  })

  test('a closed store', async () => {
    await store.close()
    await expect(store.list()).rejects.toMatchObject({ code: 'closed' })
  })
})

describe.skipIf(!limited)('a server with a key and a small limit', () => {
  const open = (apiKey?: string) => qdrant({ url: limited?.url ?? '', ...(apiKey === undefined ? {} : { apiKey }) })
  beforeEach(() => limited?.begin(expect.getState().currentTestName ?? ''))
  afterEach(() => limited?.end())

  test('refuses a wrong key, and none', async () => {
    for (const key of ['wrong', undefined]) {
      await using store = open(key)
      await expect(store.list()).rejects.toMatchObject({
        code: 'store-denied',
        message: expect.stringMatching(/QDRANT_API_KEY/),
      })
    }
    await using store = open(rightKey)
    expect(await store.list()).toEqual([])
  })

  test('takes batches over its limit in halves, and refuses one point that is larger', async () => {
    await using store = open(rightKey)
    await store.ensure('docs', schema)
    const large = points.map((point) => ({
      ...point,
      content: { ...point.content, text: 'x'.repeat(300_000) },
    }))
    await store.upsert('docs', large)
    expect(await store.count('docs')).toBe(6)
    const [first] = seededPoints(1, 8)
    if (!first) throw new Error('no point')
    await expect(
      store.upsert('docs', [{ ...first, content: { ...first.content, text: 'x'.repeat(2_000_000) } }]),
    ).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/larger than.*max_request_size_mb/s),
    })
    expect((await store.get('docs', { ids: [first.id] })).map(({ content }) => content.text.length)).toEqual([300_000])
  })
})
