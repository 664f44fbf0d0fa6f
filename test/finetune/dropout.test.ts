import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { dropoutFeeds } from '../../src/finetune/tower/dropout.ts'
import { dropoutInputs } from '../../src/graph/index.ts'
import { createRandom } from '../../src/shared/index.ts'
import { fixtures, openTraining, pairsOf, whole } from '../support/training.ts'

const model = (name: string) => path.join(fixtures, 'models', name)
const pairs = pairsOf([
  ['hello world', 'The quick brown fox jumps over the lazy dog.'],
  ['UPPER lower MiXeD', 'naïve café Zürich'],
  ['numbers 1234567890 3.14', 'one two three four five six'],
])

test('factors keep the mean, drop the share that was asked for, and follow from the seed', () => {
  const at = { sizes: { batch: 8, sequence: 32 }, seed: 7 }
  for (const probability of [0.1, 0.5]) {
    const dropout = {
      probability,
      places: [
        ['batch*sequence', 64],
        ['batch', 2, 'sequence', 'sequence'],
      ],
    }
    const feeds = dropoutFeeds(dropout, at)
    const factors = Array.from(feeds[dropoutInputs.factors]?.data ?? [], Number)
    expect(factors.reduce((sum, factor) => sum + factor, 0) / factors.length).toBeCloseTo(1, 2)
    expect(factors.filter((factor) => factor === 0).length / factors.length).toBeCloseTo(probability, 2)
    expect(dropoutFeeds(dropout, at)).toEqual(feeds)
    expect(dropoutFeeds(dropout, { ...at, seed: 8 })).not.toEqual(feeds)

    const [starts, ends] = [dropoutInputs.starts, dropoutInputs.ends].map((name) =>
      Array.from(feeds[name]?.data ?? [], Number),
    )
    expect(starts?.map((start, place) => (ends?.[place] ?? 0) - start)).toEqual([8 * 32 * 64, 8 * 2 * 32 * 32])
    expect(Math.max(...(ends ?? []))).toBeLessThanOrEqual(factors.length)
  }
})

describe.each([
  ['bert-tracing', 2],
  ['bert-dynamo', 2],
  ['distilbert-tracing', 2],
  ['distilbert-dynamo', 2],
  ['roberta-tracing', 2],
  ['roberta-dynamo', 2],
  ['xlm-roberta-tracing', 2],
  ['mpnet-tracing', 2],
  ['mpnet-dynamo', 2],
])('%s', (name, layers) => {
  test('drops out after the embeddings, and in each layer attention weights and what goes to the two residuals', async () => {
    await using training = await openTraining(model(name), { dropout: 0.1 })
    expect(training.tower.dropout?.places).toHaveLength(1 + 3 * layers)
    expect(training.tower.dropout?.places.filter((dims) => dims.length === 4)).toHaveLength(layers)
  })
})

test('a seed gives its loss and gradients again, at once and in chunks; another seed gives others', async () => {
  await using training = await openTraining(model('bert-tracing'), { dropout: 0.2 })
  await using without = await openTraining(model('bert-tracing'))
  for (const take of [
    (seed: number) => training.oneShot(pairs, 2, seed),
    (seed: number) => training.chunked(pairs, 3, seed),
  ]) {
    const [one, again, other] = [await take(1), await take(1), await take(2)]
    expect(again.loss).toBe(one.loss)
    for (const [parameter, gradient] of one.gradients) expect(again.gradients.get(parameter)).toEqual(gradient)
    expect(other.loss).not.toBe(one.loss)
    expect(one.loss).not.toBe((await without.oneShot(pairs)).loss)
  }
})

test('chunks of the same texts drop out the same in the pass for embeddings and in the pass for gradients', async () => {
  await using training = await openTraining(model('bert-tracing'), { dropout: 0.3 })
  const whole = await training.oneShot(pairs, 1, 5)
  const oneChunk = await training.chunked(pairs, 6, 5)
  expect(oneChunk.loss).toBeCloseTo(whole.loss, 5)
})

test('gradients are those of the graph with its factors', async () => {
  await using training = await openTraining(model('mpnet-tracing'), { dropout: 0.3 })
  const { gradients } = await training.oneShot(pairs, 2, 9)
  const random = createRandom(4)
  const directions = [...training.parameters.values()].map(({ name, weights }) => ({
    weights,
    gradient: whole(gradients.get(name), weights.length).slice(),
    direction: Float32Array.from(weights, () => (random() < 0.5 ? -1 : 1)),
  }))
  const expected = directions.reduce(
    (sum, { gradient, direction }) =>
      sum + gradient.reduce((inner, value, i) => inner + value * (direction[i] ?? 0), 0),
    0,
  )
  const lossAt = async (step: number) => {
    for (const { weights, direction } of directions)
      for (const [i, sign] of direction.entries()) weights[i]! += step * sign
    return (await training.oneShot(pairs, 2, 9)).loss
  }
  const size = 2e-4
  const above = await lossAt(size)
  const below = await lossAt(-2 * size)
  expect((above - below) / (2 * size) / expected).toBeCloseTo(1, 2)
})
