import { cp, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadEncoder } from '../../src/embed/index.ts'
import { type HubServer, startHubServer } from '../support/hub-server.ts'
import { temporaryFolder } from '../support/temporary.ts'

const model = new URL('../fixtures/models/bert-tracing', import.meta.url).pathname
let hub: HubServer
let cacheDir: string
beforeEach(async () => {
  hub = await startHubServer(model)
  cacheDir = await temporaryFolder()
  vi.stubEnv('HF_ENDPOINT', hub.url)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

const load = (name: string, options: object = {}) => loadEncoder(name, { device: 'cpu', cacheDir, ...options })

async function startClosingHub(folder: string) {
  const server = await startHubServer(folder)
  return { ...server, [Symbol.asyncDispose]: server.close }
}

test('a model is fetched once, with progress, and is used from the cache afterwards', async () => {
  const seen: number[] = []
  await using local = await loadEncoder(model, { device: 'cpu' })
  await using fetched = await load('owner/tiny', { onProgress: ({ done }: { done: number }) => seen.push(done) })
  expect(await fetched.encode(['hello world'])).toMatchObject({ data: (await local.encode(['hello world'])).data })
  expect(fetched.fingerprint).toBe(local.fingerprint)
  expect(seen.at(-1)).toBe(seen.length - 1)
  expect(hub.requests.some((request) => request.endsWith('model_fp16.onnx'))).toBe(false)

  const asked = hub.requests.length
  await using cached = await load('owner/tiny', { localOnly: true })
  expect(cached.dimensions).toBe(fetched.dimensions)
  expect(hub.requests.length).toBe(asked)
})

test('a download that was cut off is not taken for a model', async () => {
  await (await load('owner/tiny')).close()
  const snapshot = path.join(cacheDir, 'models--owner--tiny/snapshots', 'a'.repeat(40))
  await rm(path.join(snapshot, 'onnx/model.onnx'))
  await expect(load('owner/tiny', { localOnly: true })).rejects.toMatchObject({ code: 'model-not-found' })
  await (await load('owner/tiny')).close()
})

test('weights beside the model are fetched whatever their name is', async () => {
  const named = new URL('../fixtures/models/bert-named-data', import.meta.url).pathname
  await using other = await startClosingHub(named)
  vi.stubEnv('HF_ENDPOINT', other.url)
  await (await load('owner/tiny')).close()
  expect(other.requests.some((request) => request.endsWith('onnx/model.onnx.data'))).toBe(true)
  const snapshot = path.join(cacheDir, 'models--owner--tiny/snapshots', 'a'.repeat(40))
  await rm(path.join(snapshot, 'onnx/model.onnx.data'))
  await expect(load('owner/tiny', { localOnly: true })).rejects.toMatchObject({ code: 'model-not-found' })
})

test('a cache of transformers.js is read as it is', async () => {
  await mkdir(path.join(cacheDir, 'owner'))
  await cp(model, path.join(cacheDir, 'owner/tiny'), { recursive: true })
  await (await load('owner/tiny', { localOnly: true })).close()
  expect(hub.requests).toEqual([])
})

test('what is not there, not allowed or not reachable is told apart', async () => {
  await expect(load('owner/absent')).rejects.toMatchObject({
    code: 'model-not-found',
    message: expect.stringContaining('HF_TOKEN'),
  })
  await expect(load('owner/tiny', { localOnly: true })).rejects.toMatchObject({
    code: 'model-not-found',
    message: expect.stringContaining('localOnly'),
  })
  await expect(load('owner/../tiny')).rejects.toMatchObject({ code: 'model-not-found' })
  await expect(load('owner/tiny', { revision: '../x' })).rejects.toMatchObject({ code: 'invalid-option' })
  vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9')
  await expect(load('owner/tiny')).rejects.toMatchObject({
    code: 'hub-unreachable',
    message: expect.stringContaining('./tiny'),
  })
})
