import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, it, test } from 'vitest'
import { openModelFolder } from '../../src/embed/model-folder.ts'
import { loadTransformerEncoder } from '../../src/embed/transformer/transformer-encoder.ts'
import { loadEncoder } from '../../src/main.ts'
import type { ConcreteDevice } from '../../src/runtime/index.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures } from '../support/training.ts'

const root = path.join(fixtures, 'models/bert-tracing')
const absent = process.platform === 'darwin' ? 'dml' : 'coreml'
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json'
const hasWebGpu =
  existsSync('/usr/lib/x86_64-linux-gnu/libvulkan.so.1') && (existsSync(swiftShader) || existsSync('/dev/dri'))
if (!hasWebGpu) console.log('skipped: WebGPU, there is no Vulkan with a GPU or Chromium’s SwiftShader')

async function open(device: readonly ConcreteDevice[], workers?: number) {
  const warnings: string[] = []
  const encoder = await loadTransformerEncoder(await openModelFolder(root), {
    name: 'bert-tracing',
    device,
    dtype: 'fp32',
    workers,
    dimensions: undefined,
    output: undefined,
    cacheDir: await temporaryFolder(),
    onWarning: (message) => warnings.push(message),
  })
  return { encoder, warnings }
}

test.each([undefined, 2])('an encoder says where its model went, and once why (workers: %s)', async (workers) => {
  const { encoder, warnings } = await open([absent, 'cpu'], workers)
  await using _ = encoder
  expect(encoder.device).toBe('cpu')
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`has no ${absent} .*; running on cpu$`))])
  await using plain = await loadEncoder(root, { device: 'cpu', ...(workers ? { workers } : {}) })
  const texts = ['hello world', 'naïve café']
  expect((await encoder.encode(texts)).data).toEqual((await plain.encode(texts)).data)
  if (!workers) expect(encoder.costAtOnce).toBe(plain.costAtOnce) // as many processes as suit the CPU
})

test('a table of token vectors is looked up by the CPU', async () => {
  await using encoder = await loadEncoder()
  expect(encoder.device).toBe('cpu')
})

it.runIf(hasWebGpu)('a device that runs the model is the one that is named', async () => {
  process.env['VK_ICD_FILENAMES'] ??= swiftShader
  const { encoder, warnings } = await open(['webgpu', 'cpu'])
  await using _ = encoder
  expect(encoder.device).toBe('webgpu')
  expect(warnings).toEqual([])
  await using plain = await loadEncoder(root, { device: 'cpu' })
  const [own, other] = [await encoder.encode(['hello world']), await plain.encode(['hello world'])]
  for (const [i, x] of own.data.entries()) expect(Math.abs(x - (other.data[i] ?? 9))).toBeLessThan(1e-5)
})
