import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type ApiKey, createKey, createKeyring } from '../../src/api/index.ts'
import { bearer, openApp } from '../support/api.ts'

const admin = createKey({ name: 'admin', scopes: ['read', 'write', 'admin'] })
const reader = createKey({ name: 'reader', scopes: ['read'] })
const ours = createKey({ name: 'ours', scopes: ['read', 'write'], filter: { tenant: 'ours' } })
const theirs = createKey({ name: 'theirs', scopes: ['read', 'write'], filter: { tenant: 'theirs' } })
const keys: ApiKey[] = [admin, reader, ours, theirs].map(({ entry }) => entry)

async function keyedApp() {
  const opened = await openApp({ keys })
  await opened.call('POST', '/v1/indexes', { name: 'docs', fields: { tenant: 'keyword' } }, bearer(admin.key))
  return opened
}

describe('keys', () => {
  test('missing, wrong, read-only, each with its problem', async () => {
    const { call } = await keyedApp()
    const put = { documents: [{ id: 'a', text: 'x' }] }
    const missing = await call('GET', '/v1/indexes')
    expect(missing).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
    expect(missing.headers.get('www-authenticate')).toBe('Bearer')
    for (const wrong of [reader.key.slice(0, -1), `${reader.key}x`, reader.entry.sha256, '', ' ']) {
      expect((await call('GET', '/v1/indexes', undefined, bearer(wrong))).status).toBe(401)
    }
    expect((await call('GET', '/v1/indexes', undefined, bearer(reader.key))).status).toBe(200)
    const refused = await call('PUT', '/v1/indexes/docs/documents', put, bearer(reader.key))
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: expect.stringContaining('needs write') },
    })
    expect((await call('GET', '/metrics', undefined, bearer(reader.key))).status).toBe(403)
    expect((await call('GET', '/metrics', undefined, bearer(admin.key))).status).toBe(200)
    for (const open of ['/health/live', '/health/ready', '/openapi.json', '/docs'])
      expect((await call('GET', open)).status).toBe(200)
  })

  test('entries that make no sense are refused, and never show a key', () => {
    const entry = { ...reader.entry, sha256: 'a'.repeat(64) }
    // callers without types
    const wrong = [
      { ...entry, sha256: reader.key },
      { ...entry, scopes: [] },
      { ...entry, scopes: ['root'] },
      { ...entry, extra: 1 },
      { ...entry, scopes: ['admin'], filter: { tenant: 'a' } },
      { ...entry, scopes: ['read', 'metrics'], filter: { tenant: 'a' } },
      { ...entry, expires: 'next year' },
      { ...entry, filter: { year: { near: 3 } } },
    ]
    return Promise.all(
      wrong.map((key) =>
        expect(openApp({ keys: [JSON.parse(JSON.stringify(key))] })).rejects.toMatchObject({
          code: expect.stringMatching(/^invalid-/),
        }),
      ),
    )
  })
})

describe('keys that change while the server runs', () => {
  const base = '/v1/indexes/docs'
  const line = (id: string) => new TextEncoder().encode(`${JSON.stringify({ id, text: 'Asthma.' })}\n`)

  test('one for metrics sees these and nothing else', async () => {
    const metrics = createKey({ name: 'prometheus', scopes: ['metrics'] })
    const { call } = await openApp({ keys: [metrics.entry] })
    expect((await call('GET', '/metrics', undefined, bearer(metrics.key))).status).toBe(200)
    for (const [method, path, body] of [
      ['GET', '/v1/indexes', undefined],
      ['GET', '/v1/models', undefined],
      ['POST', `${base}/search`, { queries: ['x'] }],
    ] as const)
      expect((await call(method, path, body, bearer(metrics.key))).status).toBe(403)
  })

  test('one that expires is refused from then on, and says so', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-12-31T23:59:59.999Z') })
    onTestFinished(() => void vi.useRealTimers())
    const { key, entry } = createKey({ name: 'guest', scopes: ['read'], expires: '2027-01-01' })
    const { call } = await openApp({ keys: [entry] })
    expect((await call('GET', '/v1/indexes', undefined, bearer(key))).status).toBe(200)
    vi.setSystemTime(Date.parse('2027-01-01T00:00:00.000Z'))
    expect(await call('GET', '/v1/indexes', undefined, bearer(key))).toMatchObject({
      status: 401,
      body: { code: 'unauthorized', detail: expect.stringContaining("'guest' expired at 2027-01-01T00:00:00.000Z") },
    })
  })

  test.each(['replaced', 'expired'])('a stream ends at the line after its key is %s', async (how) => {
    const expiring = createKey({ name: 'feed', scopes: ['write'], expires: '2027-01-01' })
    const keys = createKeyring([admin.entry, expiring.entry])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-12-31') })
    onTestFinished(() => void vi.useRealTimers())
    const { app, call } = await openApp({ keys })
    await call('POST', '/v1/indexes', { name: 'docs' }, bearer(admin.key))
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const lines = writable.getWriter()
    const response = await app.request(`${base}/documents`, {
      method: 'POST',
      body: readable,
      headers: { 'content-type': 'application/x-ndjson', ...bearer(expiring.key) },
      duplex: 'half',
    })
    const answers = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    void lines.write(line('a'))
    expect((await answers?.read())?.value).toContain('"stored"')
    if (how === 'expired') vi.setSystemTime(Date.parse('2027-01-01'))
    else keys.replace([admin.entry])
    void lines.write(line('b')).catch(() => {})
    expect((await answers?.read())?.value).toContain('"code":"unauthorized"')
    expect((await answers?.read())?.done).toBe(true)
    const { body } = await call('POST', `${base}/documents/count`, {}, bearer(admin.key))
    expect(body.count).toBe(1)
  })

  test('others are taken at once; where they make no sense those before stay, and it is counted', async () => {
    const keys = createKeyring([admin.entry, reader.entry])
    const { call } = await openApp({ keys })
    const statusOf = async (key: string) => (await call('GET', '/v1/indexes', undefined, bearer(key))).status
    const fresh = createKey({ name: 'reader', scopes: ['read'] })
    keys.replace([fresh.entry, admin.entry])
    expect([await statusOf(reader.key), await statusOf(fresh.key), await statusOf(admin.key)]).toEqual([401, 200, 200])
    const wrong = { ...fresh.entry, filter: { year: {} } }
    for (const none of [[], [wrong]])
      expect(() => keys.replace(none)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^invalid-/) }))
    await expect(keys.reload(() => Promise.reject(new Error('no file')))).rejects.toThrow('no file')
    expect(await statusOf(fresh.key)).toBe(200)
    const { text } = await call('GET', '/metrics', undefined, bearer(admin.key))
    expect(text).toContain('qontrast_key_reloads_total{result="done"} 1')
    expect(text).toContain('qontrast_key_reloads_total{result="failed"} 3')
  })
})

type Call = Awaited<ReturnType<typeof openApp>>['call']
type Step = { readonly by: 'ours' | 'theirs' | 'admin'; readonly run: (call: Call) => Promise<unknown> }

const ids = fc.constantFrom('x', '../x', 'tenant:x')
const texts = fc.constantFrom('Asthma is treated with inhalers.', 'Ticks bite.', 'Iron in the blood, iron and blood.')
const tenants = fc.constantFrom('ours', 'theirs')
const keyOf = { ours: ours.key, theirs: theirs.key, admin: admin.key }
const base = '/v1/indexes/docs'

/** What a bearer can do, each with what it answers. */
const actions = (by: 'ours' | 'theirs'): fc.Arbitrary<Step> => {
  const ask = (method: string, path: string, body?: unknown) => (call: Call) =>
    call(method, path, body, bearer(keyOf[by]))
  const puts = fc
    .tuple(ids, texts, fc.oneof({ weight: 4, arbitrary: fc.constant(by) }, tenants))
    .map(([id, text, tenant]) => ask('PUT', `${base}/documents`, { documents: [{ id, text, payload: { tenant } }] }))
  return fc
    .oneof(
      { weight: 5, arbitrary: puts },
      ids.map((id) => ask('GET', `${base}/documents/${encodeURIComponent(id)}`)),
      ids.map((id) => ask('DELETE', `${base}/documents/${encodeURIComponent(id)}`)),
      tenants.map((tenant) => ask('POST', `${base}/documents/delete`, { filter: { tenant } })),
      fc.constant(ask('POST', `${base}/documents/count`, {})),
      tenants.map((tenant) =>
        ask('POST', `${base}/documents/count`, { filter: { $or: [{ tenant }, { $not: { tenant } }] } }),
      ),
      fc.constant(ask('POST', `${base}/documents/scroll`, { limit: 2 })),
      fc.constant(ask('GET', base)),
      fc
        .tuple(texts, fc.constantFrom('document', 'chunk'))
        .map(([text, groupBy]) => ask('POST', `${base}/search`, { queries: [text], groupBy })),
      texts.map((text) => ask('POST', `${base}/search`, { queries: [text], mode: 'bm25' })),
      ids.map((id) => ask('POST', `${base}/search`, { queries: [{ id }] })),
    )
    .map((run) => ({ by, run }))
}
const adminPuts: fc.Arbitrary<Step> = fc.tuple(ids, texts).map(([id, text]) => ({
  by: 'admin' as const,
  run: (call) =>
    call(
      'PUT',
      `${base}/documents`,
      { documents: [{ id: `${id}-admin`, text, payload: { tenant: 'theirs' } }] },
      bearer(admin.key),
    ),
}))

describe('a key bound to a filter', () => {
  test('gets the same answers whatever other tenants do', async () => {
    const steps = fc.array(fc.oneof(actions('ours'), actions('theirs'), adminPuts), { minLength: 8, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const mine = all.filter(({ by }) => by === 'ours')
        expect(await answers(all)).toEqual(await answers(mine))
      }),
      { numRuns: 10, seed: 6 },
    )
  }, 180_000)

  /** What the steps of `ours` are answered, without what every answer has of its own. */
  async function answers(steps: readonly Step[]): Promise<unknown[]> {
    const { call } = await keyedApp()
    const seen: unknown[] = []
    for (const { by, run } of steps) {
      const answer = await run(call)
      if (by === 'ours') seen.push(comparable(answer))
    }
    return seen
  }

  function comparable(answer: unknown): unknown {
    const { status, text } = answer as { status: number; text: string }
    return { status, text: text.replace(/"requestId":"[^"]*"/, '') }
  }

  test('sees documents of its filter that others put, and puts none outside it', async () => {
    const { call } = await keyedApp()
    const documents = [
      { id: 'a', text: 'Ours, by the admin.', payload: { tenant: 'ours' } },
      { id: 'b', text: 'Theirs.', payload: { tenant: 'theirs' } },
    ]
    await call('PUT', `${base}/documents`, { documents }, bearer(admin.key))
    expect(await call('GET', `${base}/documents/a`, undefined, bearer(ours.key))).toMatchObject({
      status: 200,
      body: { id: 'a' },
    })
    expect((await call('GET', `${base}/documents/b`, undefined, bearer(ours.key))).status).toBe(404)

    const put = {
      documents: [
        { id: 'b', text: 'Ours now?', payload: { tenant: 'ours' } },
        { id: 'c', text: 'No.', payload: { tenant: 'theirs' } },
        { id: 'a', text: 'Changed.', payload: { tenant: 'ours' } },
      ],
    }
    expect((await call('PUT', `${base}/documents`, put, bearer(ours.key))).body).toMatchObject({
      added: 1,
      updated: 1,
      failed: [{ id: 'c', code: 'forbidden' }],
    })
    expect((await call('GET', `${base}/documents/b`, undefined, bearer(theirs.key))).body.text).toBe('Theirs.')
    expect((await call('GET', `${base}/documents/b`, undefined, bearer(ours.key))).body.text).toBe('Ours now?')
    expect((await call('GET', `${base}/documents/a`, undefined, bearer(admin.key))).body.text).toBe('Changed.')
    expect((await call('GET', base, undefined, bearer(ours.key))).body).toMatchObject({ documents: 2 })
    expect((await call('GET', base, undefined, bearer(ours.key))).body).not.toHaveProperty('chunks')
  })
})
