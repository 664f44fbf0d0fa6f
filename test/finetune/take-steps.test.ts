import path from 'node:path'
import { expect, test } from 'vitest'
import type { Pair } from '../../src/finetune/data/pairs.ts'
import { createStepTaker, type Way } from '../../src/finetune/engine/take-steps.ts'
import { addGradients } from '../../src/finetune/engine/ways/gradients.ts'
import type { StepResult } from '../../src/finetune/engine/ways/way.ts'
import { type FinetuneOptions, runSettings } from '../../src/finetune/options.ts'
import { fixtures, openTraining, pairsOf, relativeError } from '../support/training.ts'

const model = path.join(fixtures, 'models', 'bert-tracing')
const words = 'hello world the quick brown fox jumps over lazy dog one two three four five six'.split(' ')
const pairs = pairsOf(
  Array.from({ length: 12 }, (_, i) => {
    const phrase = (from: number, count: number) =>
      Array.from({ length: count }, (__, k) => words[(from + 3 * k) % 16]).join(' ')
    return [phrase(i, 1 + (i % 4)), phrase(i + 5, 2 + (i % 7))] as const
  }),
)

async function open(options: Partial<FinetuneOptions>, way?: Way) {
  const training = await openTraining(model)
  const settings = runSettings({ model, pairs, out: '', clip: 1, weightDecay: 0.1, ...options })
  const taker = createStepTaker({
    ...training,
    settings,
    device: 'cpu',
    threads: 2,
    ...(way ? { way } : {}),
  })
  const { cacheChunk } = settings
  return { ...training, cacheChunk, taker, [Symbol.asyncDispose]: () => taker.close() }
}

type Opened = Awaited<ReturnType<typeof open>>

async function take(opened: Opened, step: number, parts: readonly (readonly Pair[])[]): Promise<StepResult> {
  const { taker, stepOf, cacheChunk } = opened
  const [taken] = await taker.take([await stepOf(step, parts, { chunkItems: cacheChunk })])
  return taken ?? { loss: Number.NaN, norm: Number.NaN, metrics: {} }
}

/** The keys' biases have gradients of zero by symmetry: they walk on rounding noise. */
function expectSameWeights(a: Opened['parameters'], b: Opened['parameters'], tolerance: number): void {
  for (const [name, { weights }] of a) {
    if (name.endsWith('key.bias')) continue
    expect(relativeError(weights, b.get(name)?.weights ?? []), name).toBeLessThan(tolerance)
  }
}

test('the gradient cache takes the steps that the whole batch takes', async () => {
  await using whole = await open({})
  await using cached = await open({ cacheChunk: 5 })
  for (let step = 1; step <= 5; step++) {
    const [one, other] = [await take(whole, step, [pairs]), await take(cached, step, [pairs])]
    expect(Math.abs(one.loss / other.loss - 1)).toBeLessThan(1e-5)
    expect(Math.abs(one.norm / other.norm - 1)).toBeLessThan(1e-4)
  }
  expectSameWeights(cached.parameters, whole.parameters, 1e-4)
})

test('accumulated batches move the weights by the mean of their gradients', async () => {
  await using accumulated = await open({ accumulate: 2 })
  await using manual = await open({})
  const parts = [pairs.slice(0, 6), pairs.slice(6)]
  const { loss, norm } = await take(accumulated, 1, parts)
  const [first, second] = [await manual.oneShot(parts[0] ?? [], 4), await manual.oneShot(parts[1] ?? [], 4)]
  const sum = addGradients(first.gradients, second.gradients)
  const mean = manual.move(sum, { rate: 1e-3, step: 1, batches: 2 })
  expect(loss).toBeCloseTo((first.loss + second.loss) / 2, 6)
  expect(norm).toBeCloseTo(mean, 5)
  expectSameWeights(accumulated.parameters, manual.parameters, 1e-6)
})

test.each(['resident', 'loop'] as const)(
  'the way %s moves the weights as the host does, whatever comes',
  async (way) => {
    await using host = await open({ dropout: 0 }, 'host')
    await using other = await open({ dropout: 0 }, way)
    const withNegatives = pairs.map((pair, i) => ({ ...pair, negatives: [pairs[(i + 5) % 12]?.anchor ?? ''] }))
    const stretches = [
      [[pairs], [pairs.slice(3)], [pairs.slice(0, 7)]], // one graph takes them all
      [[pairs], [withNegatives], [pairs.slice(2)]], // two graphs
      [[pairs], [pairs.slice(0, 6), pairs.slice(6)]], // accumulation is for the host
      [[pairs.slice(0, 2)], [pairs]], // fewer groups
    ]
    let step = 0
    for (const stretch of stretches) {
      const planned = await Promise.all(stretch.map((parts) => host.stepOf(++step, parts)))
      const [expected, taken] = [await host.taker.take(planned), await other.taker.take(planned)]
      for (const [i, { loss, norm }] of expected.entries()) {
        expect(Math.abs((taken[i]?.loss ?? 0) / loss - 1)).toBeLessThan(1e-3)
        expect(Math.abs((taken[i]?.norm ?? 0) / norm - 1)).toBeLessThan(1e-2)
      }
    }
    await other.taker.settle()
    expectSameWeights(other.parameters, host.parameters, 1e-3)
  },
)
