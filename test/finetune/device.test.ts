import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRepeatedWay } from '../../src/finetune/engine/ways/repeated.ts'
import { createResidentWay } from '../../src/finetune/engine/ways/resident.ts'
import type { StepSettings } from '../../src/finetune/engine/ways/way.ts'
import { fixtures, openTraining, pairsOf, relativeError } from '../support/training.ts'

const pairs = pairsOf([
  ['hello world', 'The quick brown fox jumps over the lazy dog.'],
  ['UPPER lower MiXeD', 'naïve café Zürich'],
  ['emoji 🧪 here', 'punctuation: a-b, c/d; (e)!'],
  ['numbers 1234567890 3.14', 'one two three four five six seven eight nine ten '.repeat(6)],
])
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json'
const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1'
const hasWebGpu = existsSync(loader) && (existsSync(swiftShader) || existsSync('/dev/dri'))
if (!hasWebGpu) console.log('skipped: WebGPU, there is no Vulkan with a GPU or Chromium’s SwiftShader')

describe.each(['cpu', ...(hasWebGpu ? (['webgpu'] as const) : [])] as const)('steps as one graph, on %s', (device) => {
  test('lose what the steps of the host lose, and leave the same weights', { timeout: 120_000 }, async () => {
    if (device === 'webgpu') process.env['VK_ICD_FILENAMES'] ??= swiftShader
    const model = path.join(fixtures, 'models', 'bert-tracing')
    await using host = await openTraining(model)
    await using other = await openTraining(model)
    const stepper = createResidentWay({ ...other, device, threads: 2 })
    const take = async (step: number) => {
      const { loss, gradients } = await host.oneShot(pairs)
      const norm = host.move(gradients, { rate: 1e-3, step })
      const result = await stepper.step(await other.batchOf(pairs, { groups: 2 }), {
        rate: 1e-3,
        weightDecay: 0.1,
        step,
        clip: 1,
        momenta: {},
        seed: step,
      })
      expect(Math.abs(result.loss - loss)).toBeLessThan(1e-4)
      expect(Math.abs(result.norm / norm - 1)).toBeLessThan(1e-3)
    }
    for (let step = 1; step <= 3; step++) await take(step)
    await stepper.download() // and go on from there
    await take(4)
    await stepper.download()
    for (const [name, { weights }] of host.parameters) {
      if (name.endsWith('key.bias')) continue // their gradient is zero by symmetry: AdamW walks on rounding noise
      expect(relativeError(other.parameters.get(name)?.weights ?? [], weights), name).toBeLessThan(1e-3)
    }
    await stepper.close()
  })
})

test('steps in a loop, each of its own texts and lengths, are the steps one after the other', async () => {
  const model = path.join(fixtures, 'models', 'bert-tracing')
  await using host = await openTraining(model, { dropout: 0.1 })
  await using other = await openTraining(model, { dropout: 0.1 })
  const loop = createRepeatedWay({ ...other, device: 'cpu', threads: 2 })
  const settings = (step: number): StepSettings => {
    return { rate: step * 1e-4, weightDecay: 0.1, step, clip: 1, momenta: {}, seed: step }
  }
  const batches = [1, 2, 3, 4, 5].map((step) => (step === 3 ? pairs.slice(1) : pairs.toSpliced(step % 4, 1)))
  for (const stretch of [[1, 2, 3], [4], [5]]) {
    const steps = stretch.map(async (step) => ({
      batch: await other.batchOf(batches[step - 1] ?? [], { groups: 2 }),
      settings: settings(step),
    }))
    const results = await loop.steps(await Promise.all(steps))
    for (const [i, step] of stretch.entries()) {
      const { loss, gradients } = await host.oneShot(batches[step - 1] ?? [], 2, step)
      const norm = host.move(gradients, { rate: settings(step).rate, step })
      expect(Math.abs((results[i]?.loss ?? 0) - loss)).toBeLessThan(1e-4)
      expect(Math.abs((results[i]?.norm ?? 0) / norm - 1)).toBeLessThan(1e-3)
    }
  }
  for (const [name, { weights, slots }] of host.parameters) {
    if (name.endsWith('key.bias')) continue
    const own = other.parameters.get(name)
    expect(relativeError(own?.weights ?? [], weights), name).toBeLessThan(1e-3)
    expect(relativeError(own?.slots[0] ?? [], slots[0] ?? []), name).toBeLessThan(1e-2)
  }
  await loop.close()
})
