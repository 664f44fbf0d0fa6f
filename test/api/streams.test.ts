import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Server, serve } from '../../src/api/index.ts'
import { lancedb } from '../../src/main.ts'
import { bundled, openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

const ndjson = { 'content-type': 'application/x-ndjson' }
const path = '/v1/indexes/docs/documents'
type Opened = Awaited<ReturnType<typeof openApp>>
let opened: Opened

beforeAll(async () => {
  opened = await openApp()
  await opened.call('POST', '/v1/indexes', { name: 'docs', fields: { when: 'date' } })
})

async function put(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  { app }: Opened = opened,
) {
  const response = await app.request(path, { method: 'POST', headers: { ...ndjson, ...headers }, body })
  return { status: response.status, lines: resultsOf(await response.text()), headers: response.headers }
}

function resultsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

const document = (id: string, more: object = {}) => `${JSON.stringify({ id, text: `Text of ${id}.`, ...more })}\n`
const line = (line: number, status: string, more: object = {}) => expect.objectContaining({ line, status, ...more })

describe('results are per line', () => {
  test('a bad twin takes nothing from a good line, before or after it, in one batch or in two', async () => {
    const bad = document('a', { payload: { when: 'soon' } })
    expect((await put(bad + document('a') + bad + document('a'))).lines).toEqual([
      line(1, 'failed', { reason: expect.stringContaining('"soon"') }),
      line(2, 'stored', { id: 'a' }),
      line(3, 'failed', { reason: 'line 2 has the same id and is kept.' }),
      line(4, 'failed', { reason: 'line 2 has the same id and is kept.' }),
    ])
    const far = Array.from({ length: 600 }, (_, i) => document(`far-${i}`)).join('')
    const { lines } = await put(document('b', { payload: { when: 'soon' } }) + far + document('b') + document('b'))
    expect(lines.filter(({ status }) => status !== 'stored')).toEqual([line(1, 'failed'), line(603, 'failed')])
    expect(lines).toHaveLength(603)
  })

  test('what is malformed, deep, not UTF-8 or blank is a matter of its line; null says absent', async () => {
    const deep = `{"id":"deep","text":"x","payload":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}\n`
    const text = `\uFEFF${document('first')}\r\n{"id":\n${deep} \t\n${document('nulls', { title: null, payload: { kept: null } })}[]\n\n{"id":"last","text":"x"}`
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from('\n{"id":"x","text":"\xff"}', 'latin1')])
    expect((await put(new Uint8Array(bytes))).lines).toEqual([
      line(1, 'stored'),
      line(3, 'failed', { code: 'malformed' }),
      line(4, 'failed', { code: 'malformed', reason: expect.stringContaining('64 levels') }),
      line(6, 'stored'),
      line(7, 'failed', { code: 'invalid-input' }),
      line(9, 'stored'),
      line(10, 'failed', { code: 'malformed' }),
    ])
    const { body } = await opened.call('GET', `${path}/nulls`)
    expect(body).toEqual({ id: 'nulls', text: 'Text of nulls.', payload: { kept: null } })
  })
})

describe('bodies', () => {
  test('may be compressed; lines are counted as they are read', async () => {
    const gzip = { 'content-encoding': 'gzip' }
    expect((await put(new Uint8Array(gzipSync(document('z1') + document('z2'))), gzip)).lines).toHaveLength(2)
    const bomb = gzipSync(`${document('before')}{"id":"bomb","text":"${'x'.repeat(64 * 2 ** 20)}"}\n`)
    expect((await put(new Uint8Array(bomb), gzip)).lines).toEqual([
      line(1, 'stored'),
      line(2, 'cut', { code: 'too-large' }),
    ])
    const broken = gzipSync(document('whole').repeat(20_000)).subarray(0, 2_000)
    expect((await put(new Uint8Array(broken), gzip)).lines.at(-1)).toMatchObject({ status: 'cut', code: 'malformed' })
    const brotli = await put(document('no'), { 'content-encoding': 'br' })
    expect([brotli.status, brotli.headers.get('accept-encoding')]).toEqual([415, 'gzip, identity'])
  })

  test('an empty one has no results; an index that goes in the middle is said in the last line', async () => {
    expect(await put('')).toMatchObject({ status: 200, lines: [] })
    const app = await openApp()
    await app.call('POST', '/v1/indexes', { name: 'docs' })
    const body = new TransformStream<Uint8Array, Uint8Array>()
    const writer = body.writable.getWriter()
    const sent = app.app.request(path, { method: 'POST', headers: ndjson, body: body.readable, duplex: 'half' })
    void writer.write(Buffer.from(document('a')))
    const reader = (await sent).body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('stored')
    await app.call('DELETE', '/v1/indexes/docs')
    void writer.write(Buffer.from(document('b')))
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain(
      '"line":2,"status":"cut","code":"index-not-found"',
    )
    expect((await reader?.read())?.done).toBe(true)
  })
})

describe('on a socket', () => {
  let server: Server
  beforeAll(async () => {
    const store = lancedb({ path: await temporaryFolder() })
    const encoders = { default: await bundled() }
    server = await serve({
      port: 0,
      indexes: { store, encoders },
      limits: { bodySeconds: 0.5, openStreams: 1 },
      graceSeconds: 0,
    })
    const created = await fetch(`${server.url}/v1/indexes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"docs"}',
    })
    expect(created.status).toBe(201)
  })
  afterAll(() => server.close())

  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

  /** A stream by hand: what comes back is split into lines; the head is left out. */
  async function open() {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    await once(socket, 'connect')
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    const results = () =>
      resultsOf(
        text
          .split(/\r?\n/)
          .filter((one) => one.startsWith('{'))
          .join('\n'),
      )
    const closed = new Promise((resolve) => socket.once('close', resolve))
    return { socket, results, closed }
  }
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await fetch(`${server.url}/metrics`)).text())?.[1])

  test('lines sent one by one are taken together while those before them are stored', async () => {
    const { socket, results } = await open()
    const stored = async () =>
      Number(
        /^qontrast_stage_seconds_count\{stage="encode"\} (\d+)$/m.exec(
          await (await fetch(`${server.url}/metrics`)).text(),
        )?.[1] ?? 0,
      )
    for (let i = 0; i < 300; i++) socket.write(chunk(document(`one-${i}`)))
    socket.write('0\r\n\r\n')
    await vi.waitFor(() => expect(results()).toHaveLength(300), 20_000)
    expect(results().every(({ status }) => status === 'stored')).toBe(true)
    expect(await stored()).toBeLessThan(20)
    socket.destroy()
  })

  test.each([
    [
      'half-closes in the middle of a line',
      'malformed',
      (socket: import('node:net').Socket) => socket.end(`${(9).toString(16)}\r\n{"id":"b"`),
    ],
    ['sends what is no chunk', 'malformed', (socket: import('node:net').Socket) => socket.write('no chunk\r\n')],
    ['sends no more', 'too-slow', () => {}],
  ])('a client that %s gets a last line, and the connection is closed', async (_, code, breakOff) => {
    const { socket, results, closed } = await open()
    socket.write(chunk(document('a')))
    await vi.waitFor(() => expect(results()).toHaveLength(1), 10_000)
    breakOff(socket)
    await closed
    expect(results()).toEqual([line(1, 'stored'), line(2, 'cut', { code })])
    await vi.waitFor(async () => expect(await metric('qontrast_open_streams')).toBe(0))
  })

  test('a client that never reads stops being read, and is given up; a second stream meanwhile is 429', async () => {
    const { socket } = await open()
    socket.pause()
    const wrong = `{"${'k'.repeat(1_000)}":1}\n` // its result is as long
    let written = 0
    let full = false
    const more = () => {
      while (!socket.destroyed && written < 64 * 2 ** 20) {
        const text = wrong.repeat(50)
        written += text.length
        if (!socket.write(chunk(text))) {
          full = true
          return socket.once('drain', more)
        }
      }
      return undefined
    }
    more()
    await vi.waitFor(async () => expect(await metric('qontrast_open_streams')).toBe(1))
    const second = await fetch(server.url + path, { method: 'POST', headers: ndjson, body: document('x') })
    expect([second.status, await second.json()]).toEqual([429, expect.objectContaining({ code: 'overloaded' })])
    await vi.waitFor(async () => expect(await metric('qontrast_open_streams')).toBe(0), 30_000)
    expect(full).toBe(true)
    expect(written).toBeLessThan(64 * 2 ** 20)
    socket.destroy()
  })

  test('a server that stops says so in the last line', async () => {
    const { socket, results, closed } = await open()
    socket.write(chunk(document('a')))
    await vi.waitFor(() => expect(results()).toHaveLength(1), 10_000)
    await Promise.all([server.close(), closed])
    expect(results()).toEqual([line(1, 'stored'), line(2, 'cut', { code: 'closed' })])
  })
})
