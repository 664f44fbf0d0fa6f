import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Server, serve } from '../../src/api/index.ts'
import { readSettings } from '../../src/cli/read-settings.ts'
import { modelsOf } from '../../src/cli/serve-settings.ts'
import { type Encoder, lancedb, loadEncoder } from '../../src/main.ts'
import { bundled, openApp } from '../support/api.ts'
import { logged, program, startServer } from '../support/serve-process.ts'
import { temporaryFolder } from '../support/temporary.ts'

const tinyModel = new URL('../fixtures/models/bert-plain', import.meta.url).pathname

/** Writes bytes to a socket and gives all that comes back until it is closed. */
async function exchange(
  url: string,
  head: string,
  more?: (write: (bytes: string) => boolean) => void,
): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
  })
  socket.on('error', () => {}) // the server may cut it while we write
  await once(socket, 'connect')
  socket.write(head)
  more?.((bytes) => !socket.destroyed && socket.write(bytes))
  await new Promise((resolve) => socket.once('close', resolve)) // `once` would reject on that error
  return answer
}

const head = (lines: readonly string[], request = 'POST /v1/embeddings HTTP/1.1') =>
  `${[request, 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n`

describe('on a socket', () => {
  let server: Server
  let tiny: Encoder
  beforeAll(async () => {
    tiny = await loadEncoder(tinyModel, { workers: 1 })
    const store = lancedb({ path: await temporaryFolder() })
    server = await serve({
      port: 0,
      indexes: { store, encoders: { tiny } },
      limits: { bodySeconds: 0.3, bodyBytes: 10_000 },
    })
  })
  afterAll(async () => {
    await server.close()
    await tiny.close()
  })

  test('a body that never ends is cut, whether it is slow or large', async () => {
    const slow = await exchange(server.url, head(['Content-Type: application/json', 'Content-Length: 1000']), (write) =>
      write('{"input":'),
    )
    expect(slow).toMatch(/^HTTP\/1.1 408 /)
    expect(slow).toContain('"code":"too-slow"')
    const endless = await exchange(
      server.url,
      head(['Content-Type: application/json', 'Transfer-Encoding: chunked']),
      (write) => {
        const timer = setInterval(() => write(`fa0\r\n${' '.repeat(4_000)}\r\n`) || clearInterval(timer), 1)
      },
    )
    expect(endless).toMatch(/^HTTP\/1.1 413 /)
    const announced = await exchange(
      server.url,
      head(['Content-Type: application/json', 'Content-Length: 999999999999']),
    )
    expect(announced).toMatch(/^HTTP\/1.1 413 /)
  })

  test('heads that smuggle or inject are refused', async () => {
    for (const lines of [
      ['Content-Length: 1', 'Content-Length: 2', 'Connection: close'],
      ['Content-Length: 5', 'Transfer-Encoding: chunked', 'Connection: close'],
      ['X Bad: 1', 'Connection: close'],
      ['X-Request-Id: a\rSet-Cookie: b=1', 'Connection: close'],
    ]) {
      const answer = await exchange(server.url, head(lines))
      expect(answer).toMatch(/^HTTP\/1.1 400 /)
      expect(answer).not.toContain('Set-Cookie')
    }
    const traversal = await exchange(
      server.url,
      head(['Connection: close'], 'GET /docs/../../../../etc/passwd HTTP/1.1'),
    )
    expect(traversal).toMatch(/^HTTP\/1.1 404 /)
    const rebound = `GET /v1/indexes HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
    expect(await exchange(server.url, rebound)).toMatch(/^HTTP\/1.1 403 /)
  })

  test('a client that goes away has its work dropped', async () => {
    const input = Array.from({ length: 300 }, (_, i) => `text ${i} `.repeat(2))
    const body = JSON.stringify({ model: 'tiny', input })
    const { hostname, port } = new URL(server.url)
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text()
    await vi.waitFor(async () => {
      const socket = connect(Number(port), hostname)
      await once(socket, 'connect')
      socket.write(head(['Content-Type: application/json', `Content-Length: ${body.length}`]) + body)
      await vi.waitFor(
        async () => expect(await metrics()).toMatch(/^qontrast_queue_tokens\{model="tiny",work="bulk"\} [1-9]/m),
        { interval: 1 },
      )
      socket.destroy()
      await vi.waitFor(async () => expect(await metrics()).toMatch(/^qontrast_errors_total\{code="aborted"\} [1-9]/m))
    }, 20_000)
    await vi.waitFor(async () =>
      expect(await metrics()).toMatch(/^qontrast_queue_tokens\{model="tiny",work="bulk"\} 0$/m),
    )
  })
})

describe('qontrast serve', () => {
  test('finishes what is under way on SIGTERM, takes nothing new, and exits with 0', async () => {
    const { child, lines, exit, url } = await startServer()
    const at = await url()
    await fetch(`${at}/v1/indexes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"docs"}',
    })
    let end = () => {}
    const lasting = new ReadableStream<Uint8Array>({
      start(controller) {
        const line = (id: string) =>
          controller.enqueue(new TextEncoder().encode(`{"id":"${id}","text":"secret words"}\n`))
        line('first')
        end = () => {
          line('last')
          controller.close()
        }
      },
    })
    const response = await fetch(`${at}/v1/indexes/docs/documents`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lasting,
      duplex: 'half',
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toContain('"first"')
    child.kill('SIGTERM')
    await logged(lines, 'stopping')
    await expect(fetch(`${at}/health/live`, { headers: { connection: 'close' } })).rejects.toThrow()
    end()
    expect((await reader?.read())?.value).toContain('"id":"last","status":"stored"')
    expect((await reader?.read())?.done).toBe(true)
    expect(await exit).toEqual([0, null])
    expect(lines.map(({ msg }) => msg)).toContain('stopped')
    expect(JSON.stringify(lines)).not.toContain('secret')
    expect(lines.find(({ route }) => route === '/v1/indexes/:index/documents')).toMatchObject({
      status: 200,
      requestId: expect.any(String),
      ms: expect.any(Number),
    })
  })

  test('cuts what outlasts the grace time, and still exits with 0', async () => {
    const { child, exit, url } = await startServer('--grace-seconds', '0')
    const at = await url()
    await fetch(`${at}/v1/indexes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"docs"}',
    })
    const response = await fetch(`${at}/v1/indexes/docs/documents`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"id":"a","text":"x"}\n')),
      }),
      duplex: 'half',
    })
    expect(response.status).toBe(200)
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  })

  test('refuses an address that others can reach where there are no keys', async () => {
    const { child, exit } = await startServer('--host', '0.0.0.0')
    let stderr = ''
    child.stderr.on('data', (text) => {
      stderr += text
    })
    expect(await exit).toEqual([2, null])
    expect(stderr).toContain('there are no API keys')
  })

  test('logs the name of a key, never the key', async () => {
    const made = await promisify(execFile)(process.execPath, [program, 'key', '--name', 'somebody', '--scope', 'read'])
    const key = made.stderr.trim()
    const keys = path.join(await temporaryFolder(), 'keys') // as secrets are mounted: without an extension
    await writeFile(keys, `{"keys":[${made.stdout}]}`)
    const { child, lines, exit, url } = await startServer('--keys', keys, '--host', '127.0.0.1')
    const answer = await fetch(`${await url()}/v1/models`, { headers: { authorization: `Bearer ${key}` } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('server-timing')).toMatch(/total;dur=\d/)
    child.kill('SIGINT')
    expect(await exit).toEqual([0, null])
    expect(lines.find(({ route }) => route === '/v1/models')).toMatchObject({ key: 'somebody' })
    expect(JSON.stringify(lines)).not.toContain(key)
  })
})

describe('settings', () => {
  test('flags go before the environment, this before the file, this before the defaults', async () => {
    const config = path.join(await temporaryFolder(), 'qontrast.config.json')
    await writeFile(config, JSON.stringify({ port: 1, host: '127.0.0.2', path: './file', limits: { textsPerCall: 7 } }))
    const env = { QONTRAST_PORT: '2', QONTRAST_PATH: './environment', QONTRAST_MODELS: 'a=./x, ./y/b' }
    const settings = await readSettings({ port: 3 }, { config, env })
    expect(settings).toMatchObject({
      port: 3,
      path: './environment',
      host: '127.0.0.2',
      graceSeconds: 20,
      limits: { textsPerCall: 7 },
      models: { a: './x', b: './y/b' },
    })
  })

  test('a file in TypeScript is read; what is wrong is named', async () => {
    const folder = await temporaryFolder()
    const config = path.join(folder, 'qontrast.config.ts')
    await writeFile(config, 'const port: number = 4\nexport default { port }\n')
    expect((await readSettings({}, { config, env: {} })).port).toBe(4)
    await writeFile(path.join(folder, 'wrong.json'), '{"prt":1}')
    await expect(readSettings({}, { config: path.join(folder, 'wrong.json'), env: {} })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('prt'),
    })
    await expect(readSettings({}, { env: { QONTRAST_PORT: 'x' } })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('environment'),
    })
    await expect(readSettings({}, { env: { QONTRAST_LIMITS: '{' } })).rejects.toThrow('QONTRAST_LIMITS')
    await expect(readSettings({}, { config: 'absent.json', env: {} })).rejects.toThrow('absent.json')
  })

  test('models are named by what stands before =, or by the end of their path', () => {
    expect(modelsOf(['./models/minilm/', 'x=owner/name', 'default'])).toEqual({
      minilm: './models/minilm/',
      x: 'owner/name',
      default: 'default',
    })
  })
})

test('answers carry headers that shut browsers out; the reference lets in its own script', async () => {
  const { app } = await openApp()
  const data = (await app.request('/v1/indexes')).headers
  expect(data.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  expect([data.get('x-content-type-options'), data.get('x-frame-options')]).toEqual(['nosniff', 'DENY'])
  for (const path of ['/docs', '/docs/start.js', '/docs/swagger-ui.css'])
    expect((await app.request(path)).headers.get('content-security-policy')).toContain("script-src 'self';")
  const page = await (await app.request('/docs')).text()
  expect(page).not.toMatch(/https?:/) // nothing of it comes from elsewhere
})

test('createApp mounts under a path of another app', async () => {
  const { Hono } = await import('hono')
  const { createApp } = await import('../../src/api/index.ts')
  const store = lancedb({ path: await temporaryFolder() })
  const app = new Hono()
    .get('/', (c) => c.text('mine'))
    .route('/search', createApp({ indexes: { store, encoders: { default: await bundled() } } }))
  expect(await (await app.request('/')).text()).toBe('mine')
  expect((await app.request('/search/v1/indexes')).status).toBe(200)
  expect((await app.request('/search/nowhere')).headers.get('content-type')).toBe('application/problem+json')
  expect(
    (
      await app.request('/search/v1/indexes', {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
    ).status,
  ).toBe(405)
  expect(await (await app.request('/search/openapi.json')).json()).toMatchObject({ servers: [{ url: './' }] })
  await store.close()
})
