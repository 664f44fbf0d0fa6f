import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, it, test } from 'vitest'
import { findDevice } from '../../src/finetune/engine/find-device.ts'
import { createRunner, openSession } from '../../src/runtime/index.ts'
import { fixtures } from '../support/training.ts'

const model = path.join(fixtures, 'models/bert-tracing/onnx/model.onnx')
const absent = process.platform === 'darwin' ? 'dml' : 'coreml'
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json'
const hasWebGpu =
  existsSync('/usr/lib/x86_64-linux-gnu/libvulkan.so.1') && (existsSync(swiftShader) || existsSync('/dev/dri'))
if (!hasWebGpu) console.log('skipped: WebGPU, there is no Vulkan with a GPU or Chromium’s SwiftShader')

test('a graph runs on the first device that takes it, and both session and runner say which', async () => {
  const { session, device, fallback } = await openSession(model, { device: [absent, 'cpu'], threads: 1 })
  await session.release()
  expect(device).toBe('cpu')
  expect(fallback).toMatch(new RegExp(`^ONNX Runtime has no ${absent} on this platform, only .*; running on cpu$`))
  const runner = await createRunner(model, { device: [absent, 'cpu'], threads: 1 })
  await runner.release()
  expect(runner.device).toBe('cpu')
})

test('a device that nobody falls back from is refused by the name it was asked for by', async () => {
  await expect(openSession(model, { device: absent, threads: 1 })).rejects.toMatchObject({
    code: 'device-unavailable',
    message: expect.stringContaining(`Device '${absent}' cannot be used: ONNX Runtime has no ${absent}`),
  })
})

it.runIf(hasWebGpu)(
  'a device whose probe fails, or that takes no operator, is passed over with the reason',
  async () => {
    process.env['VK_ICD_FILENAMES'] ??= swiftShader
    const failing = {
      device: ['webgpu', 'cpu'],
      threads: 1,
      probe: () => Promise.reject(new Error('too small')),
    } as const
    const refused = await openSession(model, failing)
    await refused.session.release()
    expect(refused).toMatchObject({ device: 'cpu', fallback: 'webgpu is not usable (too small); running on cpu' })
    const idle = await openSession(model, { ...failing, probe: async () => {} })
    await idle.session.release()
    expect(idle.fallback).toBe(
      'webgpu is not usable (all 0 operators would run on the CPU, none on webgpu); running on cpu',
    )
  },
)

it.runIf(hasWebGpu)('training asks by a run, so a device that computes is found and named', async () => {
  process.env['VK_ICD_FILENAMES'] ??= swiftShader
  expect(await findDevice(['webgpu', 'cpu'])).toEqual({ device: 'webgpu', fallback: undefined })
  expect(await findDevice([absent, 'cpu'])).toMatchObject({ device: 'cpu', fallback: expect.stringContaining(absent) })
})
