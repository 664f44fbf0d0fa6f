import { once } from 'node:events'
import { connect } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { hc } from 'hono/client'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../src/api/client.ts'
import { type AppType, createKey, type Server, serve } from '../../src/api/index.ts'
import { lancedb } from '../../src/main.ts'
import { bearer, bundled, json, openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

const docs = '/v1/indexes/docs'
const documents = (...ids: readonly string[]) => ({ documents: ids.map((id) => ({ id, text: `Text of ${id}.` })) })

/** The answer to bytes on a socket of their own, once it is closed. */
async function exchange(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.on('data', (part) => {
    answer += part
  })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  socket.write(bytes)
  await closed
  return answer
}

describe('indexes', () => {
  test('of six that make one index at once, one does', async () => {
    const { call } = await openApp()
    const made = await Promise.all(Array.from({ length: 6 }, () => call('POST', '/v1/indexes', { name: 'docs' })))
    expect(made.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    expect(made.filter(({ status }) => status === 409).every(({ body }) => body.code === 'already-exists')).toBe(true)
  })

  test('one that another server dropped is 404 at the next put, in every form, and stays gone', async () => {
    const { call, store, app } = await openApp()
    const { call: other } = await openApp({ store })
    for (const put of [
      () => call('PUT', `${docs}/documents`, documents('b')),
      () => call('POST', `${docs}/documents/delete`, { ids: ['a'] }),
      () => call('POST', `${docs}/search`, { queries: ['x'] }),
    ]) {
      await call('POST', '/v1/indexes', { name: 'docs' })
      await call('PUT', `${docs}/documents`, documents('a'))
      expect((await other('DELETE', docs)).status).toBe(204)
      expect(await put()).toMatchObject({ status: 404, body: { code: 'index-not-found' } })
      expect(await store.list()).toEqual([])
    }
    await call('POST', '/v1/indexes', { name: 'docs' })
    await call('PUT', `${docs}/documents`, documents('a'))
    await other('DELETE', docs)
    const lines = await app.request(`${docs}/documents`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: '{"id":"b","text":"x"}\n',
    })
    expect(await lines.text()).toContain('"status":"cut","code":"index-not-found"')
    expect(await store.list()).toEqual([])
  })
})

describe('paths', () => {
  const ids = [
    'a/b',
    'a/b/c?d=1#e',
    '100%',
    '%2F',
    '%41',
    'ü 東京 🙂',
    '../..',
    '/',
    'get',
    "' OR 1=1",
    'a\\b',
    'a+b c',
  ]
  let server: Server
  beforeAll(async () => {
    const store = lancedb({ path: await temporaryFolder() })
    const encoders = { default: await bundled(), 'org/model:1': await bundled() }
    server = await serve({ port: 0, indexes: { store, encoders } })
  })
  afterAll(() => server.close())

  test('the typed client encodes ids', async () => {
    const client = createClient(server.url)
    const { indexes, models } = client.v1
    expect((await indexes.$post({ json: { name: 'docs' }, header: {} })).status).toBe(201)
    const param = { index: 'docs' }
    await indexes[':index'].documents.$put({ param, header: {}, json: documents(...ids) })
    for (const id of ids) {
      const one = await indexes[':index'].documents[':id'].$get({ param: { index: 'docs', id }, header: {} })
      expect([id, one.status, await one.json()]).toEqual([id, 200, { id, text: `Text of ${id}.`, payload: {} }])
      const gone = await indexes[':index'].documents[':id'].$delete({ param: { index: 'docs', id }, header: {} })
      expect(await gone.json()).toEqual({ deleted: 1 })
    }
    const model = await models[':id'].$get({ param: { id: 'org/model:1' }, header: {} })
    expect(await model.json()).toMatchObject({ id: 'org/model:1', object: 'model' })
    expect(indexes[':index'].documents[':id'].$url({ param: { index: 'docs', id: 'a/b' } }).pathname).toBe(
      '/v1/indexes/docs/documents/a%2Fb',
    )
  })

  test("slashes in ids are taken as they are too, as Hono's and OpenAI's clients send them", async () => {
    const plain = hc<AppType>(server.url).v1.indexes[':index'].documents
    await plain.$put({ param: { index: 'docs' }, header: {}, json: documents('x/y/z') })
    const param = { index: 'docs', id: 'x/y/z' }
    expect((await plain[':id'].$get({ param, header: {} })).status).toBe(200)
    expect(await (await plain[':id'].$delete({ param, header: {} })).json()).toEqual({ deleted: 1 })
    expect((await plain[':id'].$get({ param, header: {} })).status).toBe(404)
    const openai = new OpenAI({ apiKey: 'none', baseURL: `${server.url}/v1`, maxRetries: 0 })
    expect(await openai.models.retrieve('org/model:1')).toMatchObject({ id: 'org/model:1', owned_by: 'qontrast' })
    expect((await fetch(`${server.url}/v1/models/org/model:1`)).status).toBe(200)
    await expect(openai.models.retrieve('org/absent')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('Allow names the methods of every path, before any key is asked for', async () => {
    const { entry } = createKey({ name: 'reader', scopes: ['read'] })
    const { call } = await openApp({ keys: [entry] })
    const { paths } = JSON.parse((await call('GET', '/openapi.json')).text)
    for (const [path, methods] of Object.entries<object>({
      ...paths,
      '/metrics': { get: {} },
      '/openapi.json': { get: {} },
      '/docs': { get: {} },
    })) {
      const declared = Object.keys(methods).map((method) => method.toUpperCase())
      const all = new Set(declared)
      const expected = [...all, ...(all.has('GET') ? ['HEAD'] : [])].sort()
      for (const method of ['PATCH', 'OPTIONS']) {
        const { status, headers } = await call(method, path.replaceAll(/\{\w+\}/g, 'x'))
        expect([path, method, status, headers.get('allow')?.split(', ').sort()]).toEqual([path, method, 405, expected])
      }
    }
    expect((await call('PATCH', '/v1/nowhere')).status).toBe(404)
  })

  test.each([
    ['HTTP/1.0 without a host', 'GET /health/live HTTP/1.0\r\n\r\n', 200],
    ['HTTP/1.0 by address', 'GET /health/ready HTTP/1.0\r\nHost: 10.1.2.3:8080\r\n\r\n', 200],
    ['HTTP/1.1 by address', 'HEAD /health/live HTTP/1.1\r\nHost: 10.1.2.3\r\nConnection: close\r\n\r\n', 200],
    ['anything else by address', 'GET /v1/indexes HTTP/1.1\r\nHost: 10.1.2.3\r\nConnection: close\r\n\r\n', 403],
    ['anything else without a host', 'GET /v1/indexes HTTP/1.0\r\n\r\n', 403],
    ['what only looks like it', 'GET /v1/indexes/health/live HTTP/1.0\r\n\r\n', 403],
  ])('whatever the hosts are, a probe may come: %s', async (_, request, status) => {
    expect(await exchange(server.url, request)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

test('a body that nobody reads is not waited for', async () => {
  await using store = lancedb({ path: await temporaryFolder() })
  await using server = await serve({ port: 0, indexes: { store, encoders: { default: await bundled() } } })
  const head = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx'
  expect(await exchange(server.url, head)).toMatch(/^HTTP\/1.1 200 /)
})

describe('bodies', () => {
  let opened: Awaited<ReturnType<typeof openApp>>
  beforeAll(async () => {
    opened = await openApp({ limits: { bodyBytes: 2 ** 20 } })
    await opened.call('POST', '/v1/indexes', { name: 'docs', model: null, fields: null })
    await opened.call('PUT', `${docs}/documents`, documents('a'))
  })

  const send = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    opened.app.request(`${docs}/search`, { method: 'POST', headers: { ...json, ...headers }, body })

  test('gzip is read, within limits that count what it becomes; other encodings are 415', async () => {
    const gzip = { 'content-encoding': 'gzip' }
    const body = new Uint8Array(gzipSync('{"queries":["text"]}'))
    for (const encoding of ['gzip', 'GZIP', ' x-gzip'])
      expect((await send(body, { 'content-encoding': encoding })).status).toBe(200)
    expect((await send('{"queries":["text"]}', { 'content-encoding': 'identity' })).status).toBe(200)
    const bomb = gzipSync(Buffer.alloc(256 * 2 ** 20, ' '))
    expect((await send(new Uint8Array(bomb), gzip)).status).toBe(413)
    expect((await send(new Uint8Array(bomb), { ...gzip, 'content-length': String(bomb.length) })).status).toBe(413)
    for (const broken of [body.subarray(0, 15), new Uint8Array([1, 2, 3]), new Uint8Array()]) {
      const answer = await send(broken, gzip)
      expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'malformed' })])
    }
    for (const encoding of ['br', 'deflate', 'zstd', 'gzip, gzip', 'x']) {
      const answer = await send(body, { 'content-encoding': encoding })
      expect([answer.status, answer.headers.get('accept-encoding')]).toEqual([415, 'gzip, identity'])
    }
  })

  test('null for a field that may be left out is as if it were; in payloads it stays', async () => {
    const { call } = opened
    const nulls = {
      queries: ['text'],
      ...Object.fromEntries(
        ['mode', 'filter', 'groupBy', 'limit', 'offset', 'fusion', 'minScore', 'exact'].map((name) => [name, null]),
      ),
    }
    const found = await call('POST', `${docs}/search`, nulls)
    expect([found.status, found.body]).toEqual([
      200,
      (await call('POST', `${docs}/search`, { queries: ['text'] })).body,
    ])
    const document = { id: 'n', text: 'x', title: null, sections: null, payload: { a: null, b: [null, { c: null }] } }
    expect((await call('PUT', `${docs}/documents`, { documents: [document] })).body.failed).toEqual([])
    expect((await call('GET', `${docs}/documents/n`)).body).toEqual({ id: 'n', text: 'x', payload: document.payload })
    expect((await call('PUT', `${docs}/documents`, { documents: [{ ...document, payload: null }] })).status).toBe(200)
    const embedding = {
      model: 'default',
      input: 'x',
      dimensions: null,
      encoding_format: null,
      user: null,
      purpose: null,
    }
    expect((await call('POST', '/v1/embeddings', embedding)).status).toBe(200)
    expect((await call('POST', `${docs}/documents/scroll`, { filter: null, limit: null, cursor: null })).status).toBe(
      200,
    )
    expect((await call('POST', `${docs}/documents/count`, { filter: null })).body.count).toBe(2)
    for (const [path, body] of [
      ['/v1/embeddings', { model: 'default', input: null }],
      [`${docs}/search`, { queries: null }],
      [`${docs}/search`, { queries: [null] }],
      [`${docs}/search`, { queries: ['x'], filter: { a: null } }],
      ['/v1/indexes', { name: 'other', fields: { a: null } }],
    ] as const)
      expect((await call('POST', path, body)).status).toBe(422)
  })

  test('answers are compressed when that is asked for', async () => {
    const ask = (path: string, accept: string) => opened.app.request(path, { headers: { 'accept-encoding': accept } })
    const plain = await (await ask('/openapi.json', 'identity')).text()
    for (const accept of ['gzip', 'br, gzip;q=0.5', '*', 'deflate, gzip']) {
      const answer = await ask('/openapi.json', accept)
      expect([answer.headers.get('content-encoding'), answer.headers.get('vary')]).toEqual(['gzip', 'Accept-Encoding'])
      expect(gunzipSync(await answer.arrayBuffer()).toString()).toBe(plain)
    }
    for (const accept of ['', 'identity', 'gzip;q=0', 'br', '*;q=0']) {
      const answer = await ask('/openapi.json', accept)
      expect([answer.headers.get('content-encoding'), answer.headers.get('vary')]).toEqual([null, 'Accept-Encoding'])
    }
    const stream = await opened.app.request(`${docs}/documents`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'accept-encoding': 'gzip' },
      body: '{"id":"s","text":"x"}\n',
    })
    expect(stream.headers.get('content-encoding')).toBeNull()
    expect(await stream.text()).toContain('stored')
  })

  test('the document names the limits in force, and that null is taken', async () => {
    const { call } = await openApp({ limits: { documentsPerBatch: 7, textsPerCall: 5, tokensPerText: 3 } })
    const { text } = await call('GET', '/openapi.json')
    const { paths, components } = JSON.parse(text)
    const body = (path: string, method: string) =>
      paths[path][method].requestBody.content['application/json'].schema.properties
    expect(body('/v1/indexes/{index}/documents', 'put').documents.maxItems).toBe(7)
    expect(body('/v1/indexes/{index}/documents/get', 'post').ids.maxItems).toBe(7)
    expect(components.schemas.Search.properties.queries.maxItems).toBe(5)
    expect(components.schemas.Embeddings.properties.input.anyOf).toEqual([
      expect.objectContaining({ type: 'string', maxLength: 48 }),
      expect.objectContaining({ type: 'array', maxItems: 5 }),
    ])
    expect(components.schemas.Search.properties.limit.anyOf.at(-1)).toEqual({ type: 'null' })
    expect(text).not.toContain('x-bound')
    expect((await call('GET', '/openapi.json')).text).toBe(text)
    const many = (count: number) => documents(...Array.from({ length: count }, (_, i) => `${i}`))
    await call('POST', '/v1/indexes', { name: 'docs' })
    expect((await call('PUT', `${docs}/documents`, many(7))).status).toBe(200)
    expect((await call('PUT', `${docs}/documents`, many(8))).status).toBe(422)
    expect((await call('POST', '/v1/embeddings', { model: 'default', input: 'x'.repeat(49) })).status).toBe(422)
  })
})

test("errors on OpenAI's paths have OpenAI's form", async () => {
  const { key, entry } = createKey({ name: 'reader', scopes: ['read'] })
  const { key: writer, entry: writerEntry } = createKey({ name: 'writer', scopes: ['write'] })
  const keys = [entry, writerEntry]
  const { call, store } = await openApp({ keys, limits: { bodyBytes: 1_000 } })
  const { call: full } = await openApp({ store, keys, limits: { concurrentRequests: 0 } })
  const { call: draining } = await openApp({ store, keys, draining: AbortSignal.abort() })
  const good = { model: 'default', input: 'x' }
  const post = (body: unknown, headers: Record<string, string> = bearer(key), via = call) =>
    via('POST', '/v1/embeddings', body, headers)
  const invalid = 'invalid_request_error'
  for (const [answer, status, type, code, param] of [
    [await post('{'), 400, invalid, 'malformed', null],
    [await post(good, {}), 401, invalid, 'unauthorized', null],
    [await call('GET', '/v1/models', undefined, bearer(writer)), 403, invalid, 'forbidden', null],
    [await post({ ...good, model: 'absent' }), 404, invalid, 'model-not-found', 'model'],
    [await call('GET', '/v1/models/a/b', undefined, bearer(key)), 404, invalid, 'model-not-found', 'model'],
    [await call('PUT', '/v1/embeddings'), 405, invalid, 'method-not-allowed', null],
    [await post({ ...good, input: 'x'.repeat(1_000) }), 413, invalid, 'too-large', null],
    [await post(good, { ...bearer(key), 'content-type': 'text/plain' }), 415, invalid, 'unsupported-media-type', null],
    [await post({ ...good, dimensions: -1 }), 422, invalid, 'invalid-input', 'dimensions'],
    [await post({ ...good, input: [''] }), 422, invalid, 'invalid-input', 'input'],
    [await post(good, bearer(key), full), 429, 'rate_limit_error', 'overloaded', null],
    [await post(good, bearer(key), draining), 503, 'server_error', 'closed', null],
    [await post(good, { ...bearer(key), 'x-request-timeout': '0' }), 504, 'server_error', 'deadline-exceeded', null],
  ] as const) {
    expect(answer).toMatchObject({ status, body: { code, error: { type, code, param, message: answer.body.detail } } })
  }
})

test('metrics tell of the version, the indexes and what is under way', async () => {
  const { call } = await openApp()
  await call('POST', '/v1/indexes', { name: 'docs' })
  await call('PUT', `${docs}/documents`, documents('a', 'b'))
  const { text } = await call('GET', '/metrics')
  expect(text).toMatch(/^qontrast_build_info\{version="\d+\.\d+\.\d+[^"]*",node="\d+[.\d]+"\} 1$/m)
  expect(text).toMatch(/^qontrast_index_documents\{index="docs"\} 2$/m)
  expect(text).toMatch(/^qontrast_index_bytes\{index="docs"\} [1-9]\d+$/m)
  expect(text).toMatch(/^qontrast_requests_in_flight 0$/m)
  expect(text).toMatch(/^qontrast_open_streams 0$/m)
  expect(text).toMatch(/^qontrast_worker_restarts_total\{model="default"\} 0$/m)
})
