import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { type Document, type Encoder, lancedb, loadEncoder } from '../../src/main.ts'
import { bundled, openApp } from '../support/api.ts'
import { childrenOf } from '../support/children.ts'
import { temporaryFolder } from '../support/temporary.ts'

const base = '/v1/indexes/docs'
let opened: Awaited<ReturnType<typeof openApp>>

beforeAll(async () => {
  opened = await openApp()
  await opened.call('POST', '/v1/indexes', { name: 'docs', fields: { year: 'number' } })
  await opened.call('PUT', `${base}/documents`, { documents: [{ id: 'a', text: 'Asthma.', payload: { year: 2001 } }] })
})

describe('bodies', () => {
  test('malformed, deep, not UTF-8, of another type', async () => {
    const { call, app } = opened
    for (const body of ['', '{', '[1,]', '{"queries": NaN}', 'nul'])
      expect(await call('POST', `${base}/search`, body)).toMatchObject({ status: 400, body: { code: 'malformed' } })
    const deep = `{"queries":["x"],"filter":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
    expect(await call('POST', `${base}/search`, deep)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('64 levels') },
    })
    const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])
    const response = await app.request(`${base}/search`, {
      method: 'POST',
      body: bytes,
      headers: { 'content-type': 'application/json' },
    })
    expect(response.status).toBe(400)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonp',
      'application/x-ndjson',
    ])
      expect((await call('POST', `${base}/search`, '{"queries":["x"]}', { 'content-type': type })).status).toBe(415)
    expect((await call('POST', `${base}/documents`, { id: 'x', text: 'x' })).status).toBe(415)
  })

  test('unknown properties and wrong types are named', async () => {
    const { call } = opened
    for (const [body, named] of [
      [{ queries: ['x'], limt: 3 }, 'limt'],
      [{ queries: ['x'], limit: 0 }, 'limit'],
      [{ queries: ['x'], mode: 'best' }, 'mode'],
      [{ queries: [] }, 'queries'],
      [{ queries: [{ vector: 'x' }] }, 'queries'],
      [[], 'object'],
    ] as const) {
      const answer = await call('POST', `${base}/search`, body)
      expect([answer.status, answer.body.code]).toEqual([422, 'invalid-input'])
      expect(answer.body.detail).toContain(named)
    }
    const prototype = '{"queries":["x"],"filter":{"__proto__":{"polluted":1},"constructor":1}}'
    expect((await call('POST', `${base}/search`, prototype)).status).toBe(422)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test('filters and vectors that cannot be', async () => {
    const { call } = opened
    for (const filter of [{ year: 'old' }, { year: { near: 1 } }, { $or: 1 }, { a: null }, { year: {} }, { $not: [] }])
      expect(await call('POST', `${base}/search`, { queries: ['x'], filter })).toMatchObject({
        status: 422,
        body: { code: 'invalid-filter' },
      })
    expect(await call('POST', `${base}/search`, { queries: [{ vector: [1, 2] }] })).toMatchObject({
      status: 422,
      body: { code: 'dimension-mismatch' },
    })
    const zero = Array.from({ length: 256 }, () => 0)
    expect((await call('POST', `${base}/search`, { queries: [{ vector: zero }] })).body.detail).toContain('zero')
    const notANumber = `{"queries":[{"vector":[${zero.join(',')}]}]}`.replace('[0,', '[NaN,')
    expect((await call('POST', `${base}/search`, notANumber)).status).toBe(400)
    const huge = `{"queries":[{"vector":[${zero.join(',')}]}]}`.replace('[0,', '[1e999,')
    expect((await call('POST', `${base}/search`, huge)).status).toBe(422)
    expect((await call('POST', `${base}/documents/delete`, { filter: {} })).status).toBe(422)
    const everything = [{}, { $or: [{}] }, { $not: { $or: [] } }, { $or: [{ a: 1 }, { $not: { a: 1 } }] }]
    const many = Array.from({ length: 40_000 }, (_, i) => ({ [`f${i}`]: 1 }))
    for (const filter of [...everything, { $or: many.slice(0, 300) }, { $nor: [] }, { a: { $gt: 1 } }]) {
      expect(await call('POST', `${base}/documents/delete`, { filter })).toMatchObject({
        status: 422,
        body: { code: 'invalid-filter' },
      })
    }
    expect((await call('POST', `${base}/documents/delete`, { filter: { $or: many } })).status).toBe(422)
    const infinite = `{"filter":{"n":{"lt":1e999}}}`
    expect((await call('POST', `${base}/documents/delete`, infinite)).status).toBeGreaterThanOrEqual(400)
    expect((await call('POST', `${base}/documents/count`, { filter: {} })).body.count).toBe(1)
    expect((await call('POST', `${base}/documents/count`, {})).body.count).toBe(1)
  })

  test('dates are declared, refused where they are none, and compared as instants', async () => {
    const { call } = await openApp()
    expect((await call('POST', '/v1/indexes', { name: 'news', fields: { when: 'day' } })).status).toBe(422)
    await call('POST', '/v1/indexes', { name: 'news', fields: { when: 'date' } })
    const documents = ['2024-01-01T01:00:00+01:00', '2024-05-31', 'soon'].map((when, i) => ({
      id: `n${i}`,
      text: 'news',
      payload: { when },
    }))
    const { body } = await call('PUT', '/v1/indexes/news/documents', { documents })
    expect(body).toMatchObject({ added: 2, failed: [{ id: 'n2', reason: expect.stringContaining('"soon"') }] })
    const found = async (filter: object) =>
      (await call('POST', '/v1/indexes/news/documents/count', { filter })).body.count
    expect(await found({ when: '2024-01-01' })).toBe(1)
    expect(await found({ when: { gte: '2024-01-01', lt: '2024-06-01' } })).toBe(2)
  })

  test('integers past 2^53 keep their digits, as ids and in payloads, bodies and lines', async () => {
    const { call } = await openApp()
    await call('POST', '/v1/indexes', { name: 'orders' })
    const ids = ['12345678901234567890', '12345678901234567891', '7']
    const [one, two, three] = ids.map((id) => `{"id":${id},"text":"one","payload":{"order":${id}}}`)
    await call('PUT', '/v1/indexes/orders/documents', `{"documents":[${one},${three}]}`)
    await call('POST', '/v1/indexes/orders/documents', `${two}\n`, { 'content-type': 'application/x-ndjson' })
    const { body } = await call('POST', '/v1/indexes/orders/documents/get', { ids })
    expect(body.documents.map(({ id, payload }: Document) => [id, payload])).toEqual([
      ['12345678901234567890', { order: '12345678901234567890' }],
      ['12345678901234567891', { order: '12345678901234567891' }],
      ['7', { order: 7 }],
    ])
    const filter = `{"filter":{"order":12345678901234567891}}`
    expect((await call('POST', '/v1/indexes/orders/documents/count', filter)).body.count).toBe(1)
  })

  test('too many texts, queries, documents, ids', async () => {
    const { call } = opened
    const many = Array.from({ length: 10_000 }, (_, i) => `${i}`)
    for (const [method, url, body] of [
      ['POST', '/v1/embeddings', { model: 'default', input: many }],
      ['POST', `${base}/search`, { queries: many }],
      ['PUT', `${base}/documents`, { documents: many.map((id) => ({ id, text: 'x' })) }],
      ['POST', `${base}/documents/get`, { ids: many }],
      ['POST', `${base}/documents/delete`, { ids: many }],
    ] as const) {
      const { status, body: problem } = await call(method, url, body)
      expect([status, problem.detail]).toEqual([422, expect.stringContaining('at most')])
    }
    const oversized = { queries: ['x'.repeat(9 * 2 ** 20)] }
    expect(await call('POST', `${base}/search`, oversized)).toMatchObject({ status: 413, body: { code: 'too-large' } })
  })
})

describe('names', () => {
  test('neither reach out of the folder nor into the head of the answer', async () => {
    const { call, store } = opened
    for (const name of [
      '..',
      '../x',
      'a/b',
      '%00',
      'a\r\nSet-Cookie: x=1',
      '.hidden',
      'x'.repeat(65),
      'nul\u0000',
      'docs.collection',
    ]) {
      expect((await call('POST', '/v1/indexes', { name })).status).toBe(422)
      const answer = await call('GET', `/v1/indexes/${encodeURIComponent(name)}`)
      expect([404, 422]).toContain(answer.status) // `..` is folded away by whoever writes a URL
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
    for (const file of ['..%2f..%2fpackage.json', 'package.json', '%2e%2e/%2e%2e/package.json'])
      expect((await call('GET', `/docs/${file}`)).status).toBe(404)
    expect(await store.list()).toEqual(['docs.1'])
    const hostile = await call('GET', '/health/live', undefined, { 'x-request-id': '<script>' })
    expect(hostile.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
    const own = await call('GET', '/health/live', undefined, { 'x-request-id': 'mine-1' })
    expect(own.headers.get('x-request-id')).toBe('mine-1')
  })

  test('ids are any text', async () => {
    const { call } = opened
    for (const id of ['a/b', 'ü 東京', '../..', '?x=1#y', '%41', "' OR 1=1 --"]) {
      const put = await call('PUT', `${base}/documents`, { documents: [{ id, text: `word ${id}` }] })
      expect(put.body).toMatchObject({ added: 1, failed: [] })
      expect((await call('POST', `${base}/documents/get`, { ids: [id] })).body.documents[0].id).toBe(id)
      expect((await call('GET', `${base}/documents/${encodeURIComponent(id)}`)).body.id).toBe(id)
      expect((await call('DELETE', `${base}/documents/${encodeURIComponent(id)}`)).body).toEqual({ deleted: 1 })
    }
  })

  test('models and indexes that are not there', async () => {
    const { call } = opened
    for (const model of ['/etc/passwd', '../models', 'Xenova/all-MiniLM-L6-v2', 'http://localhost/x'])
      expect((await call('POST', '/v1/embeddings', { model, input: 'x' })).body.code).toBe('model-not-found')
    expect((await call('POST', '/v1/indexes/absent/search', { queries: ['x'] })).body).toMatchObject({
      code: 'index-not-found',
      detail: 'There is no index of this name.',
    })
    expect((await call('POST', '/v1/indexes', { name: 'docs' })).body.code).toBe('already-exists')
    expect((await call('GET', '/nowhere')).body.code).toBe('not-found')
    const put = await call('PUT', '/health/live')
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    for (const method of ['PUT', 'PATCH', 'POST']) expect((await call(method, '/v1/models')).status).toBe(405) // not 415: found by verify:http
  })
})

describe('hosts and origins, without keys', () => {
  test('another host is refused; no origin is let in', async () => {
    const { call, app } = opened
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8080', ''])
      expect((await call('GET', '/v1/indexes', undefined, { host })).status).toBe(403)
    for (const host of ['localhost', 'localhost:9000', '127.0.0.1:1', '[::1]:80', 'LOCALHOST'])
      expect((await call('GET', '/v1/indexes', undefined, { host })).status).toBe(200)
    const preflight = await app.request('/v1/indexes', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'PUT' },
    })
    expect(preflight.status).toBe(405)
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

test('of two writers of one id one wins, whole', async () => {
  const { call } = opened
  const versions = ['a', 'considerably'].map((word) => `${word} word. `.repeat(300))
  for (let round = 0; round < 5; round++) {
    const puts = (round % 2 === 0 ? versions.toReversed() : versions).map((text) =>
      call('PUT', `${base}/documents`, { documents: [{ id: 'both', text }] }),
    )
    for (const { status } of await Promise.all(puts)) expect(status).toBe(200)
    const { body } = await call('GET', `${base}/documents/both`)
    expect(versions).toContain(body.text)
  }
  await call('DELETE', `${base}/documents/both`)
})

test('an index that is made anew with another model behind the back of the server is served with that one', async () => {
  await using store = lancedb({ path: await temporaryFolder() })
  await using small = await loadEncoder('default', { dimensions: 32 })
  const { call } = await openApp({ indexes: { store, encoders: { default: await bundled(), small } } })
  await call('POST', '/v1/indexes', { name: 'docs' })
  await call('PUT', `${base}/documents`, { documents: [{ id: 'a', text: 'Asthma.' }] })
  const { call: other } = await openApp({ indexes: { store, encoders: { small } } })
  expect((await other('POST', `${base}/search`, { queries: ['asthma'] })).body.code).toBe('encoder-mismatch')
  expect((await other('DELETE', base)).status).toBe(204)
  expect((await call('POST', `${base}/search`, { queries: ['asthma'] })).status).toBe(404)
  await other('POST', '/v1/indexes', { name: 'docs' })
  await other('PUT', `${base}/documents`, { documents: [{ id: 'b', text: 'Ticks.' }] })
  expect((await call('POST', `${base}/search`, { queries: ['ticks'] })).body.results[0].hits[0].id).toBe('b')
})

test('a store that is lost in the middle is 503, and served again once it is back', async () => {
  const folder = await temporaryFolder()
  await using store = lancedb({ path: folder })
  const { call } = await openApp({ store })
  await call('POST', '/v1/indexes', { name: 'docs' })
  await call('PUT', `${base}/documents`, { documents: [{ id: 'a', text: 'Asthma.' }] })
  const table = path.join(folder, 'docs.1.lance')
  await rename(table, `${table}.away`)
  await mkdir(table)
  const lost = await call('POST', `${base}/search`, { queries: ['asthma'] })
  expect(lost).toMatchObject({ status: 503, body: { status: 503 } })
  expect(Number(lost.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(lost.text).not.toContain(folder)
  await rename(table, `${table}.empty`)
  await rename(`${table}.away`, table)
  expect(await call('POST', `${base}/search`, { queries: ['asthma'] })).toMatchObject({
    status: 200,
    body: { results: [{ hits: [{ id: 'a' }] }] },
  })
})

describe('a transformer in child processes', () => {
  const model = new URL('../fixtures/models/bert-plain', import.meta.url).pathname
  const embed = (texts: number) => ({
    model: 'tiny',
    input: Array.from({ length: texts }, (_, i) => `some words of text number ${i} `.repeat(12)),
  })

  async function tinyApp(tiny: Encoder, limits = {}) {
    return openApp({ indexes: { store: opened.store, encoders: { tiny } }, limits })
  }

  test('a killed worker fails its requests at most, with an error to try again on', async () => {
    await using tiny = await loadEncoder(model, { workers: 1 })
    const { call } = await tinyApp(tiny)
    const before = await childrenOf(process.pid)
    const under = [call('POST', '/v1/embeddings', embed(2_000))]
    const busy = /^qontrast_queue_tokens\{model="tiny",work="bulk"\} [1-9]/m
    await vi.waitFor(async () => expect((await call('GET', '/metrics')).text).toMatch(busy), {
      timeout: 20_000,
      interval: 1,
    })
    for (const pid of before) process.kill(pid, 'SIGKILL')
    for (const { status, body } of await Promise.all(under)) {
      expect([200, 503]).toContain(status)
      if (status === 503) expect(body.code).toBe('worker-crashed')
    }
    expect((await call('POST', '/v1/embeddings', embed(1))).status).toBe(200)
    const { text } = await call('GET', '/metrics')
    const batches = Number(/^qontrast_batch_texts_count (\d+)$/m.exec(text)?.[1])
    expect(batches).toBeGreaterThan(2) // 2,000 texts in batches of 2,048 tokens
  })

  test('a full queue is 429 with Retry-After, a passed deadline 504, and both leave nothing behind', async () => {
    await using tiny = await loadEncoder(model, { workers: 1 })
    const { call } = await tinyApp(tiny, { queuedCost: 1 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', '/v1/embeddings', embed(500))))
    const statuses = new Set(answers.map(({ status }) => status))
    expect(statuses).toEqual(new Set([200, 429]))
    for (const { status, headers, body } of answers) {
      if (status !== 429) continue
      expect(body.code).toBe('overloaded')
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const late = await call('POST', '/v1/embeddings', embed(2_000), { 'x-request-timeout': '0.001' })
    expect(late).toMatchObject({ status: 504, body: { code: 'deadline-exceeded' } })
    await vi.waitFor(
      async () =>
        expect((await call('GET', '/metrics')).text).toContain('qontrast_queue_tokens{model="tiny",work="bulk"} 0'),
      10_000,
    )
    expect((await call('POST', '/v1/embeddings', embed(1))).status).toBe(200)
  })
})
