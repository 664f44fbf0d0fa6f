import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createKey } from '../../src/api/index.ts'
import type { PlainFilter } from '../../src/main.ts'
import type { JsonObject } from '../../src/shared/index.ts'
import { bearer, openApp } from '../support/api.ts'

type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof openApp>>['call']>>
type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
interface Parties {
  readonly operator: Ask
  readonly acme: Ask
  readonly globex: Ask
}

const base = '/v1/indexes/docs'
const ndjson = { 'content-type': 'application/x-ndjson' }
const operatorKey = createKey({ name: 'operator', scopes: ['read', 'write', 'admin'] })

/** An app with an index `docs`, and what its operator and two tenants ask of it. */
async function openShared(acme: PlainFilter, globex: PlainFilter): Promise<Parties> {
  const keys = [acme, globex].map((filter, i) => createKey({ name: `tenant ${i}`, scopes: ['read', 'write'], filter }))
  const { call } = await openApp({ keys: [operatorKey, ...keys].map(({ entry }) => entry) })
  const [asAcme, asGlobex] = keys.map(
    ({ key }): Ask =>
      (method, path, body, headers) =>
        call(method, path, body, { ...bearer(key), ...headers }),
  )
  const operator: Ask = (method, path, body) => call(method, path, body, bearer(operatorKey.key))
  await operator('POST', '/v1/indexes', { name: 'docs', fields: { team: 'keyword', level: 'number' } })
  if (!asAcme || !asGlobex) throw new Error('two tenants')
  return { operator, acme: asAcme, globex: asGlobex }
}

const ids = fc.constantFrom('x', 'y', 'a/b', 'é'.repeat(512))
const texts = fc.constantFrom('Asthma is treated with inhalers.', 'Ticks bite.', 'Iron in the blood, iron and blood.')
const names = { acme: ['acme', 'acme-labs'], globex: ['globex', 'globex-old'] } as const
type Tenant = keyof typeof names

/** Of the spellings the one over two fields: whose filter has one alone may write into the other. */
const overTwoFields = 7

/** Pairs of filters that no document whose fields hold single values meets both of. */
const apart: fc.Arbitrary<Record<Tenant, PlainFilter>> = fc
  .tuple(fc.constantFrom('tenant', 'team', 'owner.id'), fc.nat(9), fc.nat(9), fc.nat(3))
  .map(([field, forAcme, forGlobex, also]) => {
    const spelled = (tenant: Tenant, shape: number): PlainFilter => {
      const [one, two] = names[tenant]
      const spellings: readonly PlainFilter[] = [
        { [field]: one },
        { [field]: { eq: one } },
        { [field]: [one, two] },
        { [field]: { in: [two, one] } },
        { $or: [{ [field]: one }, { [field]: two }] },
        { $and: [{ [field]: { eq: one } }, { $not: { open: true } }] },
        { $not: { $not: { [field]: one } } },
        { $or: [{ [field]: one }, { other: one }] },
        { [field]: { gte: one, lt: `${one}z` } },
        { [field]: { contains: one } },
      ]
      return spellings[shape] ?? {}
    }
    const acme = spelled('acme', forGlobex === overTwoFields ? forGlobex : forAcme)
    const others: readonly Record<Tenant, PlainFilter>[] = [
      {
        acme,
        globex: {
          $and: [{ $not: { [field]: [...names.acme] } }, { $not: { other: 'acme' } }, { [field]: { exists: true } }],
        },
      },
      { acme: { level: { lt: 5 } }, globex: { level: { gte: 5 } } },
    ]
    return others[also - 2] ?? { acme, globex: spelled('globex', forGlobex) }
  })

const values = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('acme', 'globex') },
  fc.constantFrom('acme-labs', 'acme-lab', null, 4, 5, true, {}),
  fc.array(fc.constantFrom('acme', 'globex', 'acme-labs', null), { maxLength: 3 }),
  fc.constant({ id: 'globex' }),
)
const payloads: fc.Arbitrary<JsonObject> = fc.record(
  {
    tenant: values,
    team: fc.oneof(fc.constantFrom('acme', 'globex'), fc.array(fc.constantFrom('acme', 'globex'), { maxLength: 2 })),
    'owner.id': values,
    owner: values,
    other: values,
    level: fc.constantFrom(4, 5, 4.999),
    open: fc.boolean(),
  },
  { requiredKeys: ['tenant'], noNullPrototype: true },
)
const documents = fc.record({ id: ids, text: texts, payload: payloads })
const batches = fc.array(documents, { minLength: 1, maxLength: 5 })

const writes: fc.Arbitrary<(ask: Ask) => Promise<Answer>> = fc.oneof(
  { weight: 4, arbitrary: batches.map((batch) => (ask: Ask) => ask('PUT', `${base}/documents`, { documents: batch })) },
  batches.map(
    (batch) => (ask: Ask) =>
      ask('POST', `${base}/documents`, batch.map((one) => JSON.stringify(one)).join('\n'), ndjson),
  ),
  ids.map((id) => (ask: Ask) => ask('DELETE', `${base}/documents/${encodeURIComponent(id)}`)),
  fc
    .array(ids, { minLength: 1, maxLength: 3 })
    .map((some) => (ask: Ask) => ask('POST', `${base}/documents/delete`, { ids: some })),
  fc
    .constantFrom<PlainFilter>(
      { tenant: 'globex' },
      { $not: { tenant: 'nobody' } },
      { level: { gte: 0 } },
      { tenant: ['acme', 'globex'] },
    )
    .map((filter) => (ask: Ask) => ask('POST', `${base}/documents/delete`, { filter })),
)

/** All that a bearer can ask, as it is answered but for what every answer has of its own. */
async function everythingOf(ask: Ask): Promise<readonly string[]> {
  const search = (body: object) => ask('POST', `${base}/search`, body)
  const answers = await Promise.all([
    ask('GET', '/v1/indexes'),
    ask('GET', base),
    ask('POST', `${base}/documents/count`, {}),
    ask('POST', `${base}/documents/count`, { filter: { $not: { tenant: 'globex' } } }),
    ask('POST', `${base}/documents/scroll`, {}),
    ask('POST', `${base}/documents/scroll`, { limit: 1 }),
    ask('POST', `${base}/documents/get`, { ids: ['x', 'y', 'a/b'] }),
    search({ queries: ['asthma', 'iron'] }),
    search({ queries: Array.from({ length: 8 }, () => 'asthma'), groupBy: 'chunk', limit: 100 }),
    search({ queries: ['iron'], mode: 'bm25' }),
    search({ queries: ['iron'], mode: 'hybrid' }),
    search({ queries: [{ id: 'x' }, { id: 'y' }] }),
    search({ queries: ['ticks'], filter: { tenant: ['acme', 'globex'] }, minScore: 0.1 }),
  ])
  return answers.map(({ status, text }) => `${status} ${text.replace(/"requestId":"[^"]*"/, '')}`)
}

const runs = Number(process.env['QONTRAST_TENANTS'] ?? 8)

describe('two tenants of one index', () => {
  test('nothing that one writes changes an answer or a count of the other, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        apart,
        batches,
        batches,
        fc.array(writes, { minLength: 2, maxLength: 6 }),
        async (filters, given, own, steps) => {
          const { operator, acme, globex } = await openShared(filters.acme, filters.globex)
          await operator('PUT', `${base}/documents`, {
            documents: given,
          })
          await globex('PUT', `${base}/documents`, { documents: own })
          const before = await everythingOf(globex)
          for (const step of steps) {
            expect((await step(acme)).status).toBeLessThan(500)
            expect(await everythingOf(globex)).toEqual(before)
          }
        },
      ),
      { numRuns: runs, ...(runs > 100 ? {} : { seed: 14 }) },
    )
  }, 600_000)
})

describe('what a bound key writes', () => {
  const put = (ask: Ask, payload: object, id = 'x') =>
    ask('PUT', `${base}/documents`, { documents: [{ id, text: 'Asthma.', payload }] })

  test('meets its filter by itself: a list in a field of the filter is refused, each with its reason', async () => {
    const { acme, globex } = await openShared({ tenant: 'acme', $not: { archived: true } }, { tenant: 'globex' })
    for (const payload of [{ tenant: ['acme', 'globex'] }, { tenant: ['acme'] }, { tenant: 'acme', archived: [] }]) {
      expect((await put(acme, payload)).body).toMatchObject({
        added: 0,
        failed: [{ id: 'x', code: 'forbidden', reason: expect.stringMatching(/tenant|archived/) }],
      })
      const line = JSON.stringify({ id: 'x', text: 'Asthma.', payload })
      const streamed = await acme('POST', `${base}/documents`, line, ndjson)
      expect(streamed.body).toMatchObject({ status: 'failed', code: 'forbidden' })
    }
    for (const archived of [undefined, null, false, 'no'])
      expect((await put(acme, { tenant: 'acme', archived, tags: ['a', 'b'] })).body.failed).toEqual([])
    expect((await globex('POST', `${base}/documents/count`, {})).body.count).toBe(0)
  })

  test('is named by the values of its own filter alone, in each of its branches', async () => {
    const { acme } = await openShared({ $or: [{ tenant: 'acme' }, { public: true }] }, { tenant: 'globex' })
    for (const payload of [{ tenant: 'acme' }, { public: true }, { tenant: 'acme', public: true, tenants: ['globex'] }])
      expect((await put(acme, payload)).body.failed).toEqual([])
    for (const payload of [{ tenant: 'globex', public: true }, { tenant: 'acme', public: false }, { public: [true] }])
      expect((await put(acme, payload)).body.failed).toMatchObject([{ code: 'forbidden' }])
  })

  test('leaves alone what is in a list that another may see: it can be read only', async () => {
    const { operator, acme, globex } = await openShared({ tenant: 'acme' }, { tenant: 'globex' })
    await put(operator, { tenant: ['acme', 'globex'] }, 'both')
    await put(acme, { tenant: 'acme' }, 'own')
    expect((await acme('GET', `${base}/documents/both`)).status).toBe(200)
    const { body } = await put(acme, { tenant: 'acme' }, 'both')
    expect(body.failed).toMatchObject([{ id: 'both', code: 'forbidden', reason: expect.stringContaining('only read') }])
    expect(await acme('DELETE', `${base}/documents/both`)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    const { body: deleted } = await acme('POST', `${base}/documents/delete`, { filter: { tenant: 'acme' } })
    expect(deleted).toEqual({ deleted: 1 })
    expect((await globex('GET', `${base}/documents/both`)).body.payload).toEqual({ tenant: ['acme', 'globex'] })
  })

  test('never touches a document that was moved out of its sight, and its id is free again', async () => {
    const { operator, acme, globex } = await openShared({ tenant: 'acme' }, { tenant: 'globex' })
    await put(acme, { tenant: 'acme', n: 1 })
    for (const n of [2, 3]) {
      const { body } = await operator('POST', `${base}/documents/scroll`, { filter: { tenant: 'acme' } })
      await put(operator, { tenant: 'globex', n }, body.documents[0].id)
      const moved = await everythingOf(globex)
      expect((await acme('GET', `${base}/documents/x`)).status).toBe(404)
      expect((await put(acme, { tenant: 'acme', n: n * 10 })).body).toMatchObject({ added: 1, failed: [] })
      expect((await acme('GET', `${base}/documents/x`)).body).toMatchObject({ id: 'x', payload: { n: n * 10 } })
      expect(await everythingOf(globex)).toEqual(moved)
    }
  })
})

describe('the ids of a bound key', () => {
  const long = `${'é'.repeat(511)}ab` // 1,024 bytes
  const spellings: readonly PlainFilter[] = [
    { tenant: 'acme', level: 5 },
    { level: { eq: 5 }, tenant: { eq: 'acme' } },
    { $and: [{ tenant: ['acme'] }, { level: { in: [5] } }] },
  ]

  test('are the same however its filter is written, those of version 0.2.0 among them', async () => {
    const { store, call } = await openApp({ keys: [operatorKey.entry] })
    await call('POST', '/v1/indexes', { name: 'docs', fields: { tenant: 'keyword' } }, bearer(operatorKey.key))
    const payload = { tenant: 'acme', level: 5 }
    const named = (id: string) => ({ id, text: 'Asthma.', payload })
    // that version took a hash of the filter as it was written, its fields in order: of these spellings, as below
    const former = ['2181b41c3d4b1d10', '77ffd9bdab60ea62', '023b21e16b5fd37e'].map(
      (hash, i) => `tenant:${hash}:old${i}`,
    )
    await call('PUT', `${base}/documents`, { documents: former.map(named) }, bearer(operatorKey.key))
    for (const [i, filter] of spellings.entries()) {
      const { key, entry } = createKey({ name: 'acme', scopes: ['read', 'write'], filter })
      const opened = await openApp({ store, keys: [entry] })
      const ask: Ask = (method, path, body) => opened.call(method, path, body, bearer(key))
      const known = ['old0', 'old1', ...(i === 2 ? ['old2'] : []), ...(i === 0 ? [] : ['new'])]
      for (const id of known) expect((await ask('GET', `${base}/documents/${id}`)).body).toEqual(named(id))
      const { body } = await ask('PUT', `${base}/documents`, { documents: ['old0', 'old1', 'new'].map(named) })
      expect(body).toMatchObject(i === 0 ? { added: 1, unchanged: 2 } : { added: 0, unchanged: 3 })
      const { body: found } = await ask('POST', `${base}/search`, { queries: ['asthma'] })
      const ids: string[] = found.results[0].hits.map(({ id }: { id: string }) => id)
      expect(ids.filter((id) => known.includes(id)).sort()).toEqual(known.sort())
    }
  })

  test('may be as long as any, and nothing shows where they are stored', async () => {
    const { acme, operator } = await openShared({ tenant: 'acme' }, { tenant: 'globex' })
    const texts: string[] = []
    const ask: Ask = async (...request) => {
      const answer = await acme(...request)
      texts.push(answer.text, JSON.stringify([...answer.headers]))
      return answer
    }
    const payload = { tenant: 'acme' }
    const batch = [long, 'b', 'c'].map((id) => ({ id, text: 'Asthma.', payload }))
    expect((await ask('PUT', `${base}/documents`, { documents: batch })).body).toMatchObject({ added: 3, failed: [] })
    const tooLong = [{ id: `${long}c`, text: 'x', payload }]
    const refused = { reason: 'id has 1025 bytes; at most 1024.' }
    expect((await ask('PUT', `${base}/documents`, { documents: tooLong })).body.failed).toMatchObject([refused])
    expect((await operator('PUT', `${base}/documents`, { documents: tooLong })).body.failed).toMatchObject([refused])
    const wrong = [
      { id: long, text: ' ', payload },
      { id: 'w', text: 'x', payload: { tenant: 'acme', level: 'five' } },
    ]
    expect((await ask('PUT', `${base}/documents`, { documents: wrong })).body.failed).toMatchObject([
      { id: long },
      { id: 'w' },
    ])
    await ask('POST', `${base}/documents`, wrong.map((one) => JSON.stringify(one)).join('\n'), ndjson)
    expect((await ask('GET', `${base}/documents/${encodeURIComponent(long)}`)).body.id).toBe(long)
    const { body: stored } = await operator('POST', `${base}/documents/scroll`, { filter: payload })
    for (const { id } of stored.documents)
      expect((await operator('GET', `${base}/documents/${encodeURIComponent(id)}`)).body.id).toBe(id)

    const walked: string[] = []
    let cursor: string | null = null
    do {
      const page = await ask('POST', `${base}/documents/scroll`, { limit: 1, ...(cursor === null ? {} : { cursor }) })
      walked.push(...page.body.documents.map(({ id }: { id: string }) => id))
      cursor = page.body.cursor
    } while (cursor !== null)
    expect(walked.sort()).toEqual(['b', 'c', long])
    for (const cursor of ['b', '~9:b', '~0', 'tenant:'])
      expect((await ask('POST', `${base}/documents/scroll`, { cursor })).status).toBe(422)
    await ask('POST', `${base}/search`, { queries: ['asthma', { id: 'b' }, { like: ['b', 'c'], unlike: long }] })
    await ask('POST', `${base}/search`, { queries: [{ id: 'none' }] })
    await ask('POST', `${base}/search`, { queries: [{ like: 'b', unlike: 'b' }] })
    await ask('DELETE', `${base}/documents/none`)
    expect((await ask('POST', `${base}/documents/delete`, { ids: [long, 'b', 'b'] })).body).toEqual({ deleted: 2 })
    const shown = texts.filter((text) =>
      /tenant:|~0:(?!c|é|b)|[0-9a-f]{16}/.test(text.replace(/"requestId":"[^"]*"|"x-request-id","[^"]*"/g, '')),
    )
    expect(shown).toEqual([])
  })
})
