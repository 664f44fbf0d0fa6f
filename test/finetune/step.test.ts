import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRandom, readSafetensors } from '../../src/shared/index.ts'
import { describeWithShared } from '../support/shared.ts'
import { fixtures, inner, norm, openTraining, pairsOf, relativeError, whole } from '../support/training.ts'

const pairs = pairsOf([
  ['hello world', 'The quick brown fox jumps over the lazy dog.'],
  ['UPPER lower MiXeD', 'naïve café Zürich'],
  ['emoji 🧪 here', 'punctuation: a-b, c/d; (e)!'],
  ['numbers 1234567890 3.14', 'one two three four five six seven eight nine ten '.repeat(6)],
])

const golden = (name: string) => readSafetensors(path.join(fixtures, 'training', `${name}.safetensors`))

/** Every parameter whose reference gradient is not noise: cosine ≥ 0.99999, norm to 1e-3; the others are noise here too. */
function expectSame(name: string, own: Float32Array, reference: Float32Array, global: number): void {
  if (norm(reference) < 1e-6 * global) {
    expect(norm(own), name).toBeLessThan(1e-6 * global)
    return
  }
  expect(inner(own, reference) / (norm(own) * norm(reference)), `cosine of ${name}`).toBeGreaterThanOrEqual(0.99999)
  expect(Math.abs(norm(own) / norm(reference) - 1), `norm of ${name}`).toBeLessThanOrEqual(1e-3)
}

describe.each([
  'bert-tracing',
  'bert-dynamo',
  'bert-plain',
  'distilbert-tracing',
  'distilbert-dynamo',
  'roberta-tracing',
  'roberta-dynamo',
  'xlm-roberta-tracing',
  'mpnet-tracing',
  'mpnet-dynamo',
])('%s', (name) => {
  test('has the loss and the gradients of PyTorch, at once and in chunks', async () => {
    await using training = await openTraining(path.join(fixtures, 'models', name))
    const reference = await golden(name)
    const expected = [...reference].filter(([parameter]) => parameter !== 'loss')
    const global = norm(expected.flatMap(([, tensor]) => [...tensor.toFloat32()]))
    for (const { loss, gradients } of [await training.oneShot(pairs), await training.chunked(pairs, 3)]) {
      expect(loss / (reference.get('loss')?.toFloat32()[0] ?? 0)).toBeCloseTo(1, 5)
      for (const [parameter, tensor] of expected) {
        const values = tensor.toFloat32()
        expectSame(parameter, whole(gradients.get(parameter), values.length), values, global)
      }
      const known = new Set(expected.map(([parameter]) => parameter))
      expect([...gradients.keys()].filter((parameter) => !known.has(parameter))).toEqual([])
    }
  })
})

test.each(['bert-tracing', 'mpnet-dynamo'])('twenty steps of %s move every weight as in PyTorch', async (name) => {
  await using training = await openTraining(path.join(fixtures, 'models', name))
  const before = new Map([...training.parameters].map(([parameter, { weights }]) => [parameter, weights.slice()]))
  for (let step = 1; step <= 20; step++) {
    const turn = (step - 1) % 2
    const { gradients } = await training.oneShot([...pairs.slice(turn), ...pairs.slice(0, turn)])
    training.move(gradients, { rate: 1e-3, step })
  }
  const reference = await golden(name)
  const changes = await golden(`${name}-20`)
  const global = norm(
    [...reference].flatMap(([parameter, tensor]) => (parameter === 'loss' ? [] : [...tensor.toFloat32()])),
  )
  for (const [parameter, tensor] of changes) {
    const gradient = reference.get(parameter)?.toFloat32() ?? []
    if (norm(gradient) < 1e-6 * global) continue // the keys' biases walk on rounding noise
    const change = training.parameters
      .get(parameter)
      ?.weights.map((value, i) => value - (before.get(parameter)?.[i] ?? 0))
    expect(relativeError(change ?? [], tensor.toFloat32()), parameter).toBeLessThanOrEqual(1e-2)
  }
})

test('grouping texts by length changes nothing', async () => {
  await using training = await openTraining(path.join(fixtures, 'models', 'bert-tracing'))
  const one = await training.oneShot(pairs, 1)
  for (const groups of [2, 4, 8]) {
    const { loss, gradients } = await training.oneShot(pairs, groups)
    expect(loss).toBeCloseTo(one.loss, 5)
    for (const [parameter, { weights }] of training.parameters) {
      const reference = whole(one.gradients.get(parameter), weights.length)
      if (norm(reference) < 1e-5) continue
      expect(relativeError(whole(gradients.get(parameter), weights.length), reference), parameter).toBeLessThan(1e-4)
    }
  }
})

describeWithShared('all-MiniLM-L6-v2', ['models', 'all-minilm-l6-v2'], (folder) => {
  test('one step has the loss and the gradients of PyTorch', async () => {
    await using training = await openTraining(folder)
    const reference: {
      pairs: [string, string][]
      loss: number
      gradients: Record<string, { norm: number; products: number[] }>
    } = JSON.parse(readFileSync(path.join(fixtures, 'training', 'minilm.json'), 'utf8'))
    const { loss, gradients } = await training.oneShot(pairsOf(reference.pairs))
    expect(Math.abs(loss / reference.loss - 1)).toBeLessThanOrEqual(1e-5)
    const global = norm(Object.values(reference.gradients).map((one) => one.norm))
    expect(Object.keys(reference.gradients).length).toBe(101)
    for (const [parameter, expected] of Object.entries(reference.gradients)) {
      const own = whole(gradients.get(parameter), training.parameters.get(parameter)?.weights.length ?? 0)
      if (expected.norm < 1e-6 * global) {
        expect(norm(own), parameter).toBeLessThan(1e-6 * global)
        continue
      }
      expect(Math.abs(norm(own) / expected.norm - 1), `norm of ${parameter}`).toBeLessThanOrEqual(1e-3)
      // the products with vectors of random signs differ by about ‖error‖ each: cosine ≥ 0.99999 allows 0.0045 of the norm
      const errors = expected.products.map((product, seed) => signProduct(own, seed) - product)
      expect(norm(errors) / Math.sqrt(errors.length) / expected.norm, `direction of ${parameter}`).toBeLessThan(0.0045)
    }
  })
})

function signProduct(values: Float32Array, seed: number): number {
  const random = createRandom(seed)
  let sum = 0
  for (const value of values) sum += random() < 0.5 ? value : -value
  return sum
}
