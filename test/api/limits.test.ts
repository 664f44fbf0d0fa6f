import { beforeAll, describe, expect, test } from 'vitest'
import { jsonLimits } from '../../src/api/json.ts'
import { filterLimits } from '../../src/index/filter/limits.ts'
import { openApp } from '../support/api.ts'

const base = '/v1/indexes/docs'
let opened: Awaited<ReturnType<typeof openApp>>
beforeAll(async () => {
  opened = await openApp({ limits: { documentsPerBatch: 3, textsPerCall: 3 } })
  await opened.call('POST', '/v1/indexes', { name: 'docs' })
})

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))

describe('the shape of a body', () => {
  const put = (payload: string) =>
    opened.call('PUT', `${base}/documents`, `{"documents":[{"id":"a","text":"x","payload":${payload}}]}`)
  const list = (entries: number) => `[${times(entries, () => '0').join(',')}]`

  test('is bounded in depth, in the entries of one list or object, and of all', async () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}`
    const inBody = 3 // the body, its documents, one of them
    expect((await put(nested(jsonLimits.depth - inBody))).body).toMatchObject({ failed: [] })
    expect((await put(nested(jsonLimits.depth - inBody + 1))).body).toMatchObject({ code: 'malformed' })
    const object = (keys: number) => `{${times(keys, (i) => `"k${i}":","`).join(',')}}`
    for (const payload of [object, (keys: number) => `{"a":${list(keys)}}`]) {
      expect((await put(payload(jsonLimits.entries))).body).toMatchObject({ failed: [] })
      expect(await put(payload(jsonLimits.entries + 1))).toMatchObject({ status: 422, body: { code: 'invalid-input' } })
    }
    const lists = jsonLimits.values / jsonLimits.entries
    const many = `{"queries":["x"],"unknown":${`[${times(lists + 1, () => list(jsonLimits.entries)).join(',')}]`}}`
    expect((await opened.call('POST', `${base}/search`, many)).body.detail).toContain(`${jsonLimits.values} entries`)
  })

  test('of a line of NDJSON too', async () => {
    const line = `{"id":"a","text":"x","payload":{"a":${list(jsonLimits.entries + 1)}}}`
    const { body } = await opened.call('POST', `${base}/documents`, line, { 'content-type': 'application/x-ndjson' })
    expect(body).toMatchObject({ line: 1, status: 'failed', reason: expect.stringContaining('20000 entries') })
  })
})

interface Schema {
  readonly type?: string
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly maxItems?: number
  readonly maxProperties?: number
}
interface Operation {
  readonly parameters?: readonly { readonly schema: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}
interface Api {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** A body with a list of so many entries, for each list and each free object that a request may hold. */
const put = (document: object) => ['PUT', `${base}/documents`, { documents: [{ id: 'a', text: 'x', ...document }] }]
const search = (body: object) => ['POST', `${base}/search`, { queries: ['x'], ...body }]
const embed = (input: unknown) => ['POST', '/v1/embeddings', { model: 'default', input }]
const ids = (count: number) => times(count, String)
const lists: Readonly<Record<string, (count: number) => readonly unknown[]>> = {
  'putDocuments documents': (count) => [
    'PUT',
    `${base}/documents`,
    { documents: ids(count).map((id) => ({ id, text: 'x' })) },
  ],
  'Document sections': (count) => put({ text: 'x'.repeat(9), sections: times(count, () => ({ start: 0 })) }),
  'getDocuments ids': (count) => ['POST', `${base}/documents/get`, { ids: ids(count) }],
  'Selection ids': (count) => ['POST', `${base}/documents/delete`, { ids: ids(count) }],
  'Search queries': (count) => search({ queries: ids(count) }),
  'Query vector': (count) => search({ queries: [{ vector: times(count, () => 1) }] }),
  'Query like': (count) => search({ queries: [{ like: ids(count) }] }),
  'Query unlike': (count) => search({ queries: [{ like: 'a', unlike: ids(count) }] }),
  'Embeddings input': (count) => embed(ids(count)),
  'CreateIndex fields': (count) => [
    'POST',
    '/v1/indexes',
    { name: `fields-${count}`, fields: Object.fromEntries(ids(count).map((id) => [`f${id}`, 'keyword'])) },
  ],
}
/** Free objects that have limits of their own: `jsonLimits`, `filterLimits`. */
const trees = ['Payload', 'Filter']

describe('every list and every tree of every request', () => {
  let api: Api
  beforeAll(async () => {
    api = JSON.parse((await opened.call('GET', '/openapi.json')).text)
  })

  /** Its lists, and objects without named properties, by the schema that names them and the property. */
  function boundsOf(schema: Schema, name: string, property: string, found: Map<string, number | undefined>): void {
    const referred = schema.$ref?.split('/').at(-1)
    if (referred !== undefined) {
      boundsOf(api.components.schemas[referred] ?? {}, referred, '', found)
      return
    }
    const at = property === '' ? name : `${name} ${property}`
    if (schema.type === 'array') found.set(at, schema.maxItems)
    if (schema.type === 'object' && !schema.properties && !trees.includes(at)) found.set(at, schema.maxProperties)
    for (const [key, inner] of Object.entries(schema.properties ?? {})) boundsOf(inner, name, key, found)
    for (const inner of [schema.items ?? [], schema.anyOf ?? []].flat()) boundsOf(inner, name, property, found)
  }

  function requestBounds(): Map<string, number | undefined> {
    const found = new Map<string, number | undefined>()
    for (const operation of Object.values(api.paths).flatMap((methods) => Object.values(methods))) {
      for (const { schema } of operation.parameters ?? []) expect(['string', 'integer']).toContain(schema.type)
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        boundsOf(schema, String(Reflect.get(operation, 'operationId')), '', found)
    }
    return found
  }

  test('says its limit in the document, and is tried below', () => {
    const found = requestBounds()
    expect([...found.keys()].filter((name) => name !== 'rollBack' && name !== 'dropOld').sort()).toEqual(
      Object.keys(lists).sort(),
    )
    for (const name of Object.keys(lists)) expect([name, found.get(name)]).toEqual([name, expect.any(Number)])
  })

  test.each(Object.keys(lists))('takes as many as the limit and not one more: %s', async (name) => {
    const most = requestBounds().get(name) ?? 0
    const send = lists[name] ?? (() => [])
    const [at, over] = await Promise.all(
      [most, most + 1].map((count) => {
        const [method, path, body] = send(count)
        return opened.call(String(method), String(path), body)
      }),
    )
    expect(over).toMatchObject({
      status: 422,
      body: { detail: expect.stringMatching(new RegExp(`(at most|<=|most) ?${most}\\b`)) },
    })
    expect(at?.text).not.toMatch(new RegExp(`(at most|<=) ?${most}\\b`))
    expect(at?.status).toBeLessThan(500)
  })

  test('filters: each limit, at it and over it', async () => {
    const nested = (levels: number) => {
      let filter: object = { a: 1 }
      for (let i = 0; i < levels; i++) filter = { [i % 2 === 0 ? '$and' : '$or']: [filter, { [`b${i}`]: 1 }] }
      return filter
    }
    const deepAndWide = (conditions: number) => {
      let filter: object = { a: 1 }
      const beside = Math.floor((conditions - 1) / filterLimits.depth)
      for (let i = 0; i < filterLimits.depth; i++)
        filter = { [i % 2 === 0 ? '$and' : '$or']: [...times(beside, (k) => ({ [`b${i}-${k}`]: 1 })), filter] }
      return filter
    }
    const { conditions, comparisons, values, depth, stringBytes } = filterLimits
    const makers: readonly (readonly [limit: number, make: (size: number) => object])[] = [
      [conditions, (size) => ({ $or: times(size, (i) => ({ [`f${i}`]: 1 })) })],
      [conditions, (size) => (size > conditions ? { $or: times(size, (i) => ({ [`f${i}`]: 1 })) } : deepAndWide(size))],
      [comparisons, (size) => ({ $and: times(size, (i) => ({ $not: { [`f${i}`]: { gt: i, lt: i + 2 } } })) })],
      [comparisons, (size) => ({ $or: times(size, (i) => ({ a: { contains: `x${i}` } })) })],
      [values, (size) => ({ a: times(size, String) })],
      [depth, nested],
      [stringBytes, (size) => ({ a: 'x'.repeat(size) })],
    ]
    for (const [limit, make] of makers) {
      for (const [method, path, more] of [
        ['POST', `${base}/documents/count`, {}],
        ['POST', `${base}/search`, { queries: ['x'] }],
        ['POST', `${base}/documents/delete`, {}],
      ] as const) {
        expect((await opened.call(method, path, { ...more, filter: make(limit) })).status).toBe(200)
        const over = await opened.call(method, path, { ...more, filter: make(limit + 1) })
        expect(over).toMatchObject({ status: 422, body: { code: 'invalid-filter' } })
      }
    }
  })
})
