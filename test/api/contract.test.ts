import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { createKey } from '../../src/api/index.ts'
import type { VectorStore } from '../../src/main.ts'
import { bearer, json, openApp } from '../support/api.ts'

interface Operation {
  readonly operationId: string
  readonly responses: Readonly<Record<string, { content?: Readonly<Record<string, { schema: object }>> }>>
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
}
interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
type Opened = Awaited<ReturnType<typeof openApp>>

/** A request that each operation answers well, in an order that makes what the next one needs. */
const requests: Readonly<Record<string, { body?: unknown; path?: Readonly<Record<string, string>> }>> = {
  createIndex: { body: { name: 'docs', fields: { year: 'number' } } },
  listIndexes: {},
  describeIndex: {},
  putDocuments: {
    body: {
      documents: [
        { id: 'a', text: 'Asthma.', payload: { year: 2001 } },
        { id: 'b', text: ' ' },
      ],
    },
  },
  streamDocuments: { body: '{"id":"d","text":"Ticks bite."}\n{"id":"e"}\n' },
  getDocument: {},
  getDocuments: { body: { ids: ['a', 'absent'] } },
  scrollDocuments: { body: { limit: 1 } },
  countDocuments: { body: { filter: { year: 2001 } } },
  search: { body: { queries: ['asthma', { id: 'a' }] } },
  deleteDocument: { path: { id: 'd' } },
  deleteDocuments: { body: { filter: { year: { lt: 1900 } } } },
  startReindex: { body: { model: 'default' } },
  watchReindex: {},
  getReindex: {},
  rollBack: { body: {} },
  dropOld: { body: {} },
  createEmbeddings: { body: { model: 'default', input: ['a text'] } },
  listModels: {},
  getModel: { path: { id: 'default' } },
  live: {},
  ready: {},
  deleteIndex: {},
}
const ndjson = { 'content-type': 'application/x-ndjson' }
const { key: reader, entry: readerEntry } = createKey({ name: 'reader', scopes: ['read'] })
const { key: writer, entry: writerEntry } = createKey({ name: 'writer', scopes: ['write'] })

let document: ApiDocument
let store: VectorStore
let open: Opened
let keyed: Opened
let draining: Opened
let full: Opened
let small: Opened
const ajv = new Ajv2020({ strict: false, validateFormats: false })

beforeAll(async () => {
  open = await openApp()
  store = open.store
  const keys = [readerEntry, writerEntry]
  keyed = await openApp({ store, keys })
  draining = await openApp({ store, draining: AbortSignal.abort() })
  full = await openApp({ store, limits: { concurrentRequests: 0 } })
  small = await openApp({ store, limits: { bodyBytes: 100, bodySeconds: 0.05 } })
  document = JSON.parse((await open.call('GET', '/openapi.json')).text)
  ajv.addSchema({ $id: 'api', ...document })
})

interface Sent {
  readonly app?: Opened
  readonly headers?: Record<string, string>
  readonly body?: string | ReadableStream
  readonly path?: Readonly<Record<string, string>>
}

/** How each status is brought about, for every operation that declares it. */
const recipes: Readonly<Record<string, (operation: Operation) => Sent | Promise<Sent>>> = {
  200: () => ({}),
  201: () => ({}),
  202: () => ({}),
  204: () => ({}),
  400: () => ({ body: '{"oops' }),
  401: () => ({ app: keyed }),
  403: ({ operationId }) => ({ app: keyed, headers: bearer(scopeOf(operationId) === 'read' ? writer : reader) }),
  404: ({ operationId }) =>
    ({
      createIndex: { body: '{"name":"other","model":"absent"}' },
      createEmbeddings: { body: '{"model":"absent","input":"x"}' },
      getModel: { path: { id: 'absent' } },
    })[operationId] ?? { path: { index: 'absent' } },
  408: () => ({ app: small, body: new ReadableStream() }),
  409: async ({ operationId }) => {
    if (operationId === 'createIndex') await open.call('POST', '/v1/indexes', requests['createIndex']?.body)
    else void open.call('POST', '/v1/indexes/docs/reindex', requests['startReindex']?.body) // and while it runs, another
    return {}
  },
  413: () => ({ app: small, body: ' '.repeat(101) }),
  415: () => ({ headers: { 'content-type': 'text/plain' } }),
  422: () => ({ headers: { 'x-request-timeout': 'soon' } }),
  429: () => ({ app: full }),
  503: () => ({ app: draining }),
  504: () => ({ headers: { 'x-request-timeout': '0' } }),
}

function scopeOf(operationId: string): unknown {
  const found = operations().find(({ operation }) => operation.operationId === operationId)?.operation
  return found && 'x-scope' in found ? found['x-scope'] : undefined
}

function operations() {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
}

async function send(
  { path, method, operation }: ReturnType<typeof operations>[number],
  { app = open, headers = {}, body, path: given }: Sent,
) {
  const request = requests[operation.operationId]
  const names = { index: 'docs', id: 'a', ...request?.path, ...given }
  const url = path.replace(/\{(\w+)\}/g, (_, name: keyof typeof names) => encodeURIComponent(names[name]))
  const own = typeof request?.body === 'string' ? request.body : JSON.stringify(request?.body)
  const type = operation.requestBody?.content['application/x-ndjson'] ? ndjson : json
  const sent = operation.requestBody ? { body: body ?? own } : {}
  return app.app.request(url, {
    method,
    headers: { ...(operation.requestBody ? type : {}), ...headers },
    duplex: 'half',
    ...sent,
  })
}

async function check(operation: Operation, response: Response): Promise<void> {
  const declared = operation.responses[response.status]?.content
  const text = await response.text()
  if (!declared) return expect(text).toBe('')
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  expect(Object.keys(declared)).toContain(type)
  const validate = ajv.compile({
    $id: `${operation.operationId}-${response.status}-${Math.random()}`,
    ...inDocument(declared[type]?.schema ?? {}),
  })
  const values = (readers[type] ?? readOne)(text)
  expect(values.length).toBeGreaterThan(0)
  for (const value of values) {
    validate(value)
    expect(validate.errors ?? []).toEqual([])
  }
}

const readOne = (text: string): unknown[] => [JSON.parse(text)]
const readers: Readonly<Record<string, (text: string) => unknown[]>> = {
  'application/x-ndjson': (text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  'text/event-stream': (text) =>
    [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => ({ event, data })),
}

/** References of the document, as references into the schema `api`. */
function inDocument(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'))
}

test('the operations and their statuses', () => {
  const listed = operations().map(
    ({ method, path, operation }) => `${method} ${path}: ${Object.keys(operation.responses).join(' ')}`,
  )
  expect(listed).toMatchInlineSnapshot(`
    [
      "GET /health/live: 200",
      "GET /health/ready: 200 503",
      "GET /v1/indexes: 200 401 403 422 429 503 504",
      "POST /v1/indexes: 201 400 401 403 404 408 409 413 415 422 429 503 504",
      "GET /v1/indexes/{index}: 200 401 403 404 422 429 503 504",
      "DELETE /v1/indexes/{index}: 204 401 403 404 422 429 503 504",
      "PUT /v1/indexes/{index}/documents: 200 400 401 403 404 408 413 415 422 429 503 504",
      "POST /v1/indexes/{index}/documents: 200 401 403 404 415 422 429 503 504",
      "POST /v1/indexes/{index}/documents/get: 200 400 401 403 404 408 413 415 422 429 503 504",
      "POST /v1/indexes/{index}/documents/delete: 200 400 401 403 404 408 413 415 422 429 503 504",
      "POST /v1/indexes/{index}/documents/scroll: 200 400 401 403 404 408 413 415 422 429 503 504",
      "POST /v1/indexes/{index}/documents/count: 200 400 401 403 404 408 413 415 422 429 503 504",
      "GET /v1/indexes/{index}/documents/{id}: 200 401 403 404 422 429 503 504",
      "DELETE /v1/indexes/{index}/documents/{id}: 200 401 403 404 422 429 503 504",
      "POST /v1/indexes/{index}/search: 200 400 401 403 404 408 413 415 422 429 503 504",
      "POST /v1/embeddings: 200 400 401 403 404 408 413 415 422 429 503 504",
      "GET /v1/models: 200 401 403 422 429 503 504",
      "GET /v1/models/{id}: 200 401 403 404 422 429 503 504",
      "POST /v1/indexes/{index}/reindex: 202 400 401 403 404 408 409 413 415 422 429 503 504",
      "GET /v1/indexes/{index}/reindex: 200 401 403 404 422 429 503 504",
      "GET /v1/indexes/{index}/reindex/events: 200 401 403 404 422 429 503 504",
      "POST /v1/indexes/{index}/reindex/rollback: 202 400 401 403 404 408 409 413 415 422 429 503 504",
      "POST /v1/indexes/{index}/reindex/drop-old: 200 400 401 403 404 408 413 415 422 429 503 504",
    ]
  `)
  expect(
    operations()
      .map(({ operation }) => operation.operationId)
      .sort(),
  ).toEqual(Object.keys(requests).sort())
})

describe('every declared response is what the server does', () => {
  test('answers that succeed, in order', async () => {
    for (const operationId of Object.keys(requests)) {
      const found = operations().find(({ operation }) => operation.operationId === operationId)
      if (!found) throw new Error(operationId)
      const response = await send(found, {})
      expect([operationId, response.status]).toEqual([operationId, Number(Object.keys(found.operation.responses)[0])])
      await check(found.operation, response)
    }
  })

  test('answers that refuse', async () => {
    await open.call('POST', '/v1/indexes', requests['createIndex']?.body)
    for (const found of operations()) {
      for (const status of Object.keys(found.operation.responses).filter((status) => !status.startsWith('2'))) {
        const recipe = recipes[status]
        if (!recipe) throw new Error(`no recipe for ${status}`)
        const response = await send(found, await recipe(found.operation))
        expect([found.operation.operationId, response.status]).toEqual([found.operation.operationId, Number(status)])
        await check(found.operation, response)
      }
    }
  })
})
