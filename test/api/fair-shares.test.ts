import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createKey } from '../../src/api/index.ts'
import { delegateEncoder } from '../../src/embed/index.ts'
import { type EncodeOptions, type Encoder, lancedb, loadEncoder } from '../../src/main.ts'
import { abortError } from '../../src/shared/index.ts'
import { bearer, bundled, openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

const model = new URL('../fixtures/models/bert-plain', import.meta.url).pathname
const base = '/v1/indexes/docs'
const words = (count: number) => 'some words of a long text '.repeat(count / 6)
/** Many times what the queue may hold: seconds of work for the tiny model. */
const bulk = {
  model: 'tiny',
  input: Array.from({ length: 2_000 }, (_, i) => `${i} ${words(90)}`),
  encoding_format: 'base64',
}
const small = { model: 'tiny', input: 'a short text' }

type Call = Awaited<ReturnType<typeof openApp>>['call']
type App = Awaited<ReturnType<typeof openApp>>['app']

let tiny: Encoder
beforeAll(async () => {
  tiny = await loadEncoder(model, { workers: 1 })
})
afterAll(() => tiny.close())

async function figure(call: Call, name: string, labels: string, headers = {}): Promise<number> {
  const { text } = await call('GET', '/metrics', undefined, headers)
  const line = text.split('\n').find((one) => one.startsWith(`${name}{${labels}}`))
  return Number(line?.split(' ').at(-1))
}
const bulkTokens = (call: Call, headers = {}) =>
  figure(call, 'qontrast_queue_tokens', 'model="tiny",work="bulk"', headers)

/** Sends a request that its client gives up once the test is done with it. */
function begin(app: App, path: string, body: object, { method = 'POST', headers = {} } = {}) {
  const client = new AbortController()
  let ended = false
  const answer = Promise.resolve(
    app.request(path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: client.signal,
    }),
  ).finally(() => {
    ended = true
  })
  return { answer, hasEnded: () => ended, giveUp: () => client.abort() }
}

const untilBusy = (call: Call, headers = {}) =>
  vi.waitFor(async () => expect(await bulkTokens(call, headers)).toBeGreaterThan(0), { timeout: 20_000, interval: 1 })
const untilIdle = (call: Call, headers = {}) =>
  vi.waitFor(async () => expect(await bulkTokens(call, headers)).toBe(0), { timeout: 20_000, interval: 1 })

/** An app with both models over a store of its own, and an index of the tiny one. */
async function bothModels(options: Omit<Parameters<typeof openApp>[0], 'indexes'> = {}, encoder = tiny) {
  const store = lancedb({ path: await temporaryFolder() })
  const encoders = { tiny: encoder, default: await bundled() }
  const opened = await openApp({ ...options, indexes: { store, encoders } })
  return { ...opened, [Symbol.asyncDispose]: () => store.close() }
}

/** The tiny model, which gives no bulk text its vector before the caller gives it up. */
function stuckOnBulk(): Encoder {
  return delegateEncoder(tiny, {
    async encode(inputs, encodeOptions) {
      const vectors = await tiny.encode(inputs, encodeOptions)
      if (inputs.some((input) => typeof input === 'string' && input.length > small.input.length))
        await givenUp(encodeOptions)
      return vectors
    },
  })
}

const givenUp = ({ signal }: EncodeOptions = {}) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(abortError(signal)), { once: true }))

test('while large embeddings calls run, searches are answered first; what is given up leaves the queue', async () => {
  await using opened = await bothModels({ limits: { queuedCost: 1_000_000 } }, stuckOnBulk())
  const { app, call } = opened
  await call('POST', '/v1/indexes', { name: 'docs', model: 'tiny' })
  await call('PUT', `${base}/documents`, { documents: [{ id: 'a', text: 'a short text' }] })
  const calls = [begin(app, '/v1/embeddings', bulk), begin(app, '/v1/embeddings', bulk)]
  await untilBusy(call)
  for (const query of ['a text', 'a short text'])
    expect((await call('POST', `${base}/search`, { queries: [query] })).body.results[0].hits[0].id).toBe('a')
  expect(calls.map((one) => one.hasEnded())).toEqual([false, false])
  for (const one of calls) one.giveUp()
  expect((await Promise.all(calls.map(({ answer }) => answer))).map(({ status }) => status)).toEqual([400, 400])
  await untilIdle(call)
  const metrics = (await call('GET', '/metrics')).text
  expect(metrics).toContain('qontrast_errors_total{code="aborted"} 2')
})

test("a model's full queue refuses texts to embed with that model, and nothing else", async () => {
  await using opened = await bothModels({ limits: { queuedCost: 1_000 } }, stuckOnBulk())
  const { app, call } = opened
  await call('POST', '/v1/indexes', { name: 'docs', model: 'tiny' })
  await call('PUT', `${base}/documents`, { documents: [{ id: 'a', text: 'a short text' }] })
  const vector = (await call('POST', '/v1/embeddings', small)).body.data[0].embedding
  const under = begin(app, '/v1/embeddings', bulk)
  await untilBusy(call)
  const refused = await call('POST', '/v1/embeddings', small)
  expect(refused).toMatchObject({ status: 429, body: { code: 'overloaded' } })
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  const answers = [
    await call('POST', `${base}/search`, { queries: ['short'], mode: 'bm25' }),
    await call('POST', `${base}/search`, { queries: [{ vector }] }),
    await call('POST', `${base}/search`, { queries: ['short'] }),
    await call('POST', '/v1/embeddings', { ...small, model: 'default' }),
    await call('POST', `${base}/documents/count`, {}),
    await call('DELETE', `${base}/documents/a`),
    await call('POST', '/v1/indexes', { name: 'other', model: 'tiny' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 201])
  expect(under.hasEnded()).toBe(false)
  under.giveUp()
  await under.answer
  expect(await figure(call, 'qontrast_queue_refusals_total', 'model="tiny",work="bulk"')).toBeGreaterThan(0)
})

test('each key has its share: what one asks for refuses and delays no other', async () => {
  const [a, b, admin] = ['a', 'b', 'admin'].map((name) => createKey({ name, scopes: ['read', 'admin'] }))
  if (!a || !b || !admin) throw new Error('unreachable')
  await using opened = await bothModels({
    keys: [a.entry, b.entry, admin.entry],
    limits: { queuedCost: 1_000, concurrentRequests: 8 },
  })
  const { app, call } = opened
  const under = begin(app, '/v1/embeddings', bulk, { headers: bearer(a.key) })
  await untilBusy(call, bearer(admin.key))
  const others = Array.from({ length: 8 }, () => call('POST', '/v1/embeddings', small, bearer(a.key)))
  expect(new Set((await Promise.all(others)).map(({ status }) => status))).toEqual(new Set([429]))
  expect((await call('POST', '/v1/embeddings', small, bearer(b.key))).status).toBe(200)
  expect(under.hasEnded()).toBe(false)
  under.giveUp()
  await under.answer
  await untilIdle(call, bearer(admin.key))
})

test('documents that are put wait outside of the queue, in pieces; once their deadline has passed their work is gone', async () => {
  await using opened = await bothModels({ limits: { queuedCost: 3_000 } })
  const { app, call } = opened
  await call('POST', '/v1/indexes', { name: 'docs', model: 'tiny' })
  const documents = Array.from({ length: 500 }, (_, i) => ({ id: `${i}`, text: `${i} ${words(1_500)}` }))
  const headers = { 'x-request-timeout': '2' }
  const put = begin(app, `${base}/documents`, { documents }, { method: 'PUT', headers })
  let most = 0
  while (!put.hasEnded()) {
    most = Math.max(most, await bulkTokens(call))
    expect((await call('POST', '/v1/embeddings', small)).status).toBe(200)
  }
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(3_000)
  const answer = await put.answer
  expect([answer.status, await answer.json()]).toMatchObject([504, { code: 'deadline-exceeded' }])
  await untilIdle(call)
  expect(await figure(call, 'qontrast_queue_waiting', 'model="tiny",work="bulk"')).toBe(0)
})

test('a deadline that passes while a model computes is 504, counted and logged as such', async () => {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) })
  await using opened = await bothModels({ log })
  const { call } = opened
  const late = await call('POST', '/v1/embeddings', bulk, { 'x-request-timeout': '0.3' })
  expect(late).toMatchObject({ status: 504, body: { code: 'deadline-exceeded' } })
  await untilIdle(call)
  const { text } = await call('GET', '/metrics')
  expect(text).toContain('qontrast_errors_total{code="deadline-exceeded"} 1')
  expect(text).not.toContain('code="aborted"')
  const logged = lines.map((line): Record<string, unknown> => JSON.parse(line))
  expect(logged.find(({ status }) => status === 504)).toMatchObject({ code: 'deadline-exceeded', level: 50 })
})

test('a search may look at so many candidates, over all its queries', async () => {
  await using opened = await bothModels({ limits: { candidatesPerSearch: 1_000 } })
  const { call } = opened
  await call('POST', '/v1/indexes', { name: 'docs' })
  await call('PUT', `${base}/documents`, { documents: [{ id: 'a', text: 'a short text' }] })
  const search = (texts: number, more: object) =>
    call('POST', `${base}/search`, { queries: Array.from({ length: texts }, () => 'short text'), ...more })
  const fitting = [
    await search(5, {}),
    await search(100, { mode: 'dense' }),
    await search(10, { mode: 'bm25', limit: 60, offset: 40 }),
    await call('POST', `${base}/search`, { queries: [{ id: 'a' }], limit: 999 }),
  ]
  expect(fitting.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const beyond = [
    await search(6, {}),
    await search(101, { mode: 'dense' }),
    await search(10, { mode: 'bm25', limit: 61, offset: 40 }),
    await call('POST', `${base}/search`, { queries: [{ id: 'a' }], limit: 1_000 }),
  ]
  expect(beyond.map(({ status }) => status)).toEqual([422, 422, 422, 422])
  expect(beyond[0]?.body.detail).toMatch(/6 queries .* 1200 candidates .* at most 1000 .* fewer queries/)
})
