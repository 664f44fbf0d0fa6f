import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { pino } from 'pino'
import { describe, expect, test, vi } from 'vitest'
import { serve } from '../../src/api/index.ts'
import { lancedb, loadEncoder } from '../../src/main.ts'
import { bundled, openApp } from '../support/api.ts'
import { childrenOf } from '../support/children.ts'
import { temporaryFolder } from '../support/temporary.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
const tinyModel = new URL('../fixtures/models/bert-plain', import.meta.url).pathname

describe('models', () => {
  test('a model that does not answer is named, and the others stay in rotation', async () => {
    const tiny = await loadEncoder(tinyModel, { workers: 1 })
    await tiny.close()
    await using store = lancedb({ path: await temporaryFolder() })
    const { call } = await openApp({ indexes: { store, encoders: { default: await bundled(), tiny } } })
    expect(await call('GET', '/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'ready', store: 'ok', workers: { default: 'ok', tiny: 'failed' } },
    })
    const { call: alone } = await openApp({ indexes: { store, encoders: { tiny } } })
    expect(await alone('GET', '/health/ready')).toMatchObject({ status: 503, body: { workers: { tiny: 'failed' } } })
  })

  test('a worker that died is logged, counted and replaced', async () => {
    const lines: string[] = []
    const log = pino({ level: 'error' }, { write: (line) => lines.push(line) })
    const others = new Set(await childrenOf(process.pid))
    await using tiny = await loadEncoder(tinyModel, { workers: 1 })
    await using store = lancedb({ path: await temporaryFolder() })
    const { call } = await openApp({ indexes: { store, encoders: { tiny } }, log })
    const restarts = async () =>
      /^qontrast_worker_restarts_total\{model="tiny"\} (\d+)$/m.exec((await call('GET', '/metrics')).text)?.[1]
    expect(await restarts()).toBe('0')
    const [pid = 0] = (await childrenOf(process.pid)).filter((child) => !others.has(child))
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(async () => expect(await restarts()).toBe('1'))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ model: 'tiny', pid, reason: 'SIGKILL', msg: 'worker lost' })
    expect((await call('POST', '/v1/embeddings', { model: 'tiny', input: 'x' })).status).toBe(200)
    expect((await call('GET', '/health/ready')).status).toBe(200)
  })
})

describe('the data folder', () => {
  const refused = { code: 'invalid-option', message: expect.stringContaining('cannot be written') }

  test('that cannot be written fails the start, whoever runs it', async () => {
    const folder = await temporaryFolder()
    const file = path.join(folder, 'file')
    await writeFile(file, '')
    for (const at of [file, path.join(file, 'below')]) {
      await using store = lancedb({ path: at })
      const start = serve({ port: 0, indexes: { store, encoders: { default: await bundled() } } })
      await expect(start).rejects.toMatchObject(refused)
    }
    const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--path', file], { stdio: 'pipe' })
    let stderr = ''
    child.stderr.on('data', (text) => {
      stderr += text
    })
    expect(await once(child, 'exit')).toEqual([2, null])
    expect(stderr).toContain(`The data folder ${file} cannot be written`)
  })

  test.skipIf(process.getuid?.() === 0)('that this user may not write, or a table in it', async () => {
    const folder = await temporaryFolder()
    await mkdir(path.join(folder, 'docs.1.lance'))
    await chmod(path.join(folder, 'docs.1.lance'), 0o500)
    await using store = lancedb({ path: folder })
    await expect(store.checkWritable?.()).rejects.toMatchObject(refused)
    await chmod(folder, 0o500)
    await expect(store.checkWritable?.()).rejects.toMatchObject(refused)
    await chmod(folder, 0o700)
  })
})

test('in the lame-duck time the server is not ready, and serves; a second signal ends it', async () => {
  const folder = await temporaryFolder()
  const args = ['serve', '--port', '0', '--path', folder, '--lame-duck-seconds', '600']
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: Record<string, unknown>[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)))
  const logged = (message: string) =>
    vi.waitFor(() => {
      const found = lines.find(({ msg }) => msg === message)
      if (!found) throw new Error(`no line ${message} yet`)
      return found
    }, 30_000)
  const url = String((await logged('serving'))['url'])
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await logged('stopping')
  await vi.waitFor(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(503))
  const answer = await fetch(`${url}/v1/models`)
  expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close'])
  expect((await fetch(`${url}/health/live`)).status).toBe(200)
  child.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
})
