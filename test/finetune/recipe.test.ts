import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/finetune/data/batch.ts'
import { factsOf } from '../../src/finetune/engine/facts-of.ts'
import { buildChunkGraph } from '../../src/finetune/engine/graphs/gradients.ts'
import { graphsOf } from '../../src/finetune/engine/graphs/source.ts'
import { lossParameter, type Recipe } from '../../src/finetune/engine/recipe.ts'
import { createState, valuesOf } from '../../src/finetune/engine/state.ts'
import { createBatchGradients } from '../../src/finetune/engine/ways/batch-gradients.ts'
import { createHostWay } from '../../src/finetune/engine/ways/host.ts'
import { createRepeatedWay } from '../../src/finetune/engine/ways/repeated.ts'
import { createResidentWay } from '../../src/finetune/engine/ways/resident.ts'
import type { StepResult } from '../../src/finetune/engine/ways/way.ts'
import { momentumAt } from '../../src/finetune/optimizer/following.ts'
import type { Tower } from '../../src/finetune/tower/tower.ts'
import { createBuilder, float32Tensor } from '../../src/graph/index.ts'
import { constraints, infoNce, type Loss, type Pair } from '../../src/main.ts'
import { fixtures, openTraining, relativeError, whole } from '../support/training.ts'

const model = path.join(fixtures, 'models', 'bert-tracing')
const pairs: Pair[] = ['one two', 'three four', 'five six', 'seven eight', 'nine ten', 'the lazy dog'].map(
  (text, i) => ({
    anchor: `${text} ${i}`,
    positive: `${text} fox`,
  }),
)
type Training = Awaited<ReturnType<typeof openTraining>>

/** All anchors in one group, all positives in another, so that each can go through a tower of its own. */
async function twoPasses(
  { processor }: Training,
  some: readonly Pair[],
  passes: readonly [anchor: string, positive: string],
): Promise<Batch> {
  const groupOf = async (pass: string, texts: readonly string[]) => {
    const items = await Promise.all(texts.map((text) => processor.prepare(text, 'document')))
    const sizes = { batch: items.length, sequence: Math.max(...items.map((item) => processor.cost(item))) }
    return { pass, items: items.length, feeds: processor.collate(items), sizes }
  }
  const [first, second] = passes
  const own = [...some.keys()]
  const after = first === second ? some.length : 0 // rows are counted in each pass
  return {
    groups: [
      await groupOf(
        first,
        some.map(({ anchor }) => anchor),
      ),
      await groupOf(
        second,
        some.map(({ positive }) => positive),
      ),
    ],
    examples: some.length,
    rows: { anchor: own, positive: own.map((row) => row + after) },
    owners: {},
    cutItems: 0,
    atOnce: true,
  }
}

/** What ways of stepping are given, on this thread. */
function optionsOf(recipe: Recipe, state = createState(recipe)) {
  return { facts: factsOf(recipe), graphs: graphsOf(recipe, state), state, device: 'cpu', threads: 2 } as const
}

const momenta = (recipe: Recipe, step: number) =>
  Object.fromEntries(Object.entries(recipe.followers).map(([name, { momentum }]) => [name, momentum(step)]))
const settings = (recipe: Recipe, step: number) => ({
  rate: 1e-3,
  weightDecay: 0.1,
  step,
  clip: 1,
  momenta: momenta(recipe, step),
})

/** The same steps on the host, resident on a device, and repeated within one graph; the states that they leave. */
async function inEveryWay(recipe: Recipe, batches: readonly Batch[]) {
  const states = { host: createState(recipe), resident: createState(recipe), repeated: createState(recipe) }
  const results: Record<keyof typeof states, StepResult[]> = { host: [], resident: [], repeated: [] }
  const host = createHostWay(optionsOf(recipe, states.host))
  const resident = createResidentWay(optionsOf(recipe, states.resident))
  const repeated = createRepeatedWay(optionsOf(recipe, states.repeated))
  for (const [i, batch] of batches.entries()) {
    results.host.push(await host.step([{ batch, seed: 0 }], settings(recipe, i + 1)))
    results.resident.push(await resident.step(batch, { ...settings(recipe, i + 1), seed: 0 }))
  }
  results.repeated = await repeated.steps(
    batches.map((batch, i) => ({ batch, settings: { ...settings(recipe, i + 1), seed: 0 } })),
  )
  await resident.download()
  for (const way of [host, resident, repeated]) await way.close()
  return { states, results }
}

const numbersIn = (state: Parameters<typeof valuesOf>[0], name: string) =>
  Float32Array.from(valuesOf(state).get(name)?.data ?? [], Number)

function expectSameStates({ states, results }: Awaited<ReturnType<typeof inEveryWay>>): void {
  for (const way of ['resident', 'repeated'] as const) {
    for (const [i, { loss }] of results.host.entries())
      expect(Math.abs((results[way][i]?.loss ?? 0) / loss - 1), way).toBeLessThan(1e-4)
    for (const name of valuesOf(states.host).keys()) {
      if (name.includes('key.bias')) continue // they walk on rounding noise
      const expected = numbersIn(states.host, name)
      if (expected.every((value) => value === 0)) expect(numbersIn(states[way], name), name).toEqual(expected)
      else expect(relativeError(numbersIn(states[way], name), expected), `${way} ${name}`).toBeLessThan(1e-2)
    }
  }
}

describe('a tower that follows another', () => {
  const momentum = (step: number) => momentumAt(step, 3, { from: 0.5, to: 1 })
  const recipeOf = ({ recipe }: Training): Recipe => ({
    ...recipe,
    followers: { slow: { of: 'encoder', momentum } },
    embeddings: { anchor: { through: ['encoder'] }, positive: { through: ['slow'] } },
  })

  test('gives the embeddings of its shadows, gets no gradient, and moves as a loop by hand says', async () => {
    await using training = await openTraining(model)
    const recipe = recipeOf(training)
    const batch = await twoPasses(training, pairs, ['encoder', 'slow'])
    const { states, results } = await inEveryWay(recipe, [batch, batch, batch])
    expectSameStates({ states, results })

    await using online = await openTraining(model) // its positives are numbers, the embeddings that `slow` gives
    await using slow = await openTraining(model)
    for (let step = 1; step <= 3; step++) {
      const positives = await embeddingsOf(slow, await twoPasses(slow, pairs, ['encoder', 'encoder']))
      const loss: Loss = {
        ...infoNce(),
        build: (g, { embeddings: { anchor = '' }, ...values }) => {
          const positive = g.initializer('positives', float32Tensor(positives.flat(), [positives.length, 32]))
          return infoNce().build(g, { ...values, embeddings: { anchor, positive } })
        },
      }
      const source = createBatchGradients(optionsOf({ ...online.recipe, loss }, online.state))
      const { loss: value, gradients } = await source.atOnce(await twoPasses(online, pairs, ['encoder', 'encoder']), 0)
      await source.close()
      expect(Math.abs((results.host[step - 1]?.loss ?? 0) / value - 1)).toBeLessThan(1e-5)
      online.move(gradients, { rate: 1e-3, step })
      for (const [name, { weights }] of slow.parameters)
        for (const [i, weight] of (online.parameters.get(name)?.weights ?? []).entries())
          weights[i] = momentum(step) * weights[i]! + (1 - momentum(step)) * weight
    }
    for (const [name, { weights }] of slow.parameters) {
      if (name.endsWith('key.bias')) continue
      expect(relativeError(numbersIn(states.host, `slow/${name}`), weights), name).toBeLessThan(1e-5)
      expect(
        relativeError(numbersIn(states.host, name), online.parameters.get(name)?.weights ?? []),
        name,
      ).toBeLessThan(1e-5)
    }
  })

  test('is taken in chunks as at once', async () => {
    await using training = await openTraining(model)
    const recipe = recipeOf(training)
    const source = createBatchGradients(optionsOf(recipe))
    const batch = await twoPasses(training, pairs, ['encoder', 'slow'])
    const [whole, chunks] = [await source.atOnce(batch, 0), await source.inChunks(batch, 0)]
    await source.close()
    expect(Math.abs(chunks.loss / whole.loss - 1)).toBeLessThan(1e-5)
    expect([...chunks.gradients.keys()].sort()).toEqual([...whole.gradients.keys()].sort())
    expect([...whole.gradients.keys()].some((name) => name.startsWith('slow/'))).toBe(false)
  })
})

/** Embeddings of the positives of a batch of two passes. */
async function embeddingsOf(training: Training, batch: Batch): Promise<number[][]> {
  const listen: Loss = {
    name: 'listen',
    settings: {},
    state: { heard: float32Tensor(new Float32Array(batch.examples * 32), [batch.examples, 32]) },
    build: (g, { embeddings: { anchor = '', positive = '' } }) => ({
      loss: g.op('ReduceMean', [anchor, g.ints([0, 1])], { keepdims: 0 }),
      state: { heard: positive },
    }),
  }
  const recipe = { ...training.recipe, loss: listen }
  const state = { ...createState(recipe), weights: training.state.weights }
  const source = createBatchGradients(optionsOf(recipe, state))
  const { next } = await source.atOnce(batch, 0)
  await source.close()
  const values = Array.from(next.get('loss.state/heard')?.data ?? [], Number)
  return Array.from({ length: batch.examples }, (_, i) => values.slice(i * 32, (i + 1) * 32))
}

/** A tower whose embeddings have the running mean of all before them taken off. */
function centred(tower: Tower): Tower {
  const g = createBuilder({ ...tower.model.graph, outputs: [] }, tower.types)
  const mean = g.input('running_mean', { dtype: 'float32', dims: [32] })
  const embeddings = g.op('Sub', [tower.output, mean])
  const own = g.op('ReduceMean', [tower.output, g.ints([0])], { keepdims: 0 })
  const next = g.op('Add', [g.op('Mul', [mean, g.scalar(0.75)]), g.op('Mul', [g.stop(own), g.scalar(0.25)])])
  g.output(embeddings)
  g.output(next)
  const value = float32Tensor(new Float32Array(32), [32])
  return {
    ...tower,
    model: { ...tower.model, graph: g.build() },
    types: g.types(),
    output: embeddings,
    buffers: new Map([['running_mean', { value, next }]]),
  }
}

test('buffers go from pass to pass and from part to part, in every way, and take no gradient', async () => {
  await using training = await openTraining(model)
  const recipe: Recipe = { ...training.recipe, towers: { encoder: centred(training.tower) } }
  const batch = await twoPasses(training, pairs, ['encoder', 'encoder'])
  expectSameStates(await inEveryWay(recipe, [batch, batch]))

  const state = createState(recipe)
  const way = createHostWay(optionsOf(recipe, state))
  const halves = [pairs.slice(0, 3), pairs.slice(3)]
  const parts = await Promise.all(halves.map((part) => twoPasses(training, part, ['encoder', 'encoder'])))
  await way.step(
    parts.map((one) => ({ batch: one, seed: 0 })),
    settings(recipe, 1),
  )
  await way.close()
  let expected = new Array<number>(32).fill(0)
  for (const part of parts) {
    const swapped = { ...part, rows: { anchor: part.rows['positive'] ?? [], positive: part.rows['anchor'] ?? [] } }
    for (const side of [swapped, part]) {
      const rows = await embeddingsOf(training, side)
      expected = expected.map(
        (mean, i) => 0.75 * mean + (0.25 * rows.reduce((sum, row) => sum + (row[i] ?? 0), 0)) / rows.length,
      )
    }
  }
  expect(relativeError(numbersIn(state, 'running_mean'), expected)).toBeLessThan(1e-5)
})

test('frozen weights stay as they are bit for bit, have no slots, and nothing is computed for them', async () => {
  await using training = await openTraining(model)
  const isFrozen = (name: string) => !name.includes('layer.1') // what the exporter gave no name is frozen too
  const tower: Tower = {
    ...training.tower,
    parameters: new Map(
      [...training.tower.parameters].map(([name, one]) => [name, { ...one, trainable: !isFrozen(name) }]),
    ),
  }
  const recipe: Recipe = { ...training.recipe, towers: { encoder: tower } }
  const batch = await twoPasses(training, pairs, ['encoder', 'encoder'])
  const result = await inEveryWay(recipe, [batch, batch])
  expectSameStates(result)
  const before = createState(recipe)
  for (const state of Object.values(result.states)) {
    expect([...state.slots.keys()].filter(isFrozen)).toEqual([])
    for (const [name, { data }] of before.weights)
      if (isFrozen(name)) expect(state.weights.get(name)?.data, name).toEqual(data)
      else if (!name.endsWith('key.bias')) expect(state.weights.get(name)?.data, name).not.toEqual(data)
  }
  const nodes = (of: Recipe) => buildChunkGraph(of, 'encoder').model.graph.nodes.length
  expect(nodes(recipe)).toBeLessThan(0.8 * nodes(training.recipe))
  expect([...buildChunkGraph(recipe, 'encoder').gradients.keys()].filter(isFrozen)).toEqual([])
})

test('prototypes are brought back to unit length after every update, and do not decay', async () => {
  await using training = await openTraining(model)
  const begun = Float32Array.from({ length: 4 * 32 }, (_, i) => Math.sin(i) * 5)
  const loss: Loss = {
    name: 'prototypes',
    settings: { count: 4 },
    parameters: {
      prototypes: { value: float32Tensor(begun, [4, 32]), role: 'prototype', constraint: constraints.unitRows },
    },
    build(g, { embeddings: { anchor = '', positive = '' }, parameters: { prototypes = '' } }) {
      const across = g.op('Transpose', [prototypes], { perm: [1, 0] })
      const [a, p] = [anchor, positive].map((rows) => g.op('LogSoftmax', [g.op('MatMul', [rows, across])], { axis: 1 }))
      const product = g.op('Mul', [g.op('Exp', [g.stop(a ?? '')]), p ?? ''])
      return { loss: g.op('Neg', [g.op('ReduceMean', [product, g.ints([0, 1])], { keepdims: 0 })]) }
    },
  }
  const recipe: Recipe = { ...training.recipe, loss }
  const batch = await twoPasses(training, pairs, ['encoder', 'encoder'])
  const result = await inEveryWay(recipe, [batch, batch])
  expectSameStates(result)
  for (const state of Object.values(result.states)) {
    const prototypes = numbersIn(state, lossParameter('prototypes'))
    for (let row = 0; row < 4; row++)
      expect(Math.hypot(...prototypes.slice(row * 32, (row + 1) * 32))).toBeCloseTo(1, 5)
  }
})

test('two towers have weights of their own, whose gradients add up to those of one that both share', async () => {
  await using training = await openTraining(model)
  const two: Recipe = {
    ...training.recipe,
    towers: { image: training.tower, text: training.tower },
    embeddings: { anchor: { through: ['image'] }, positive: { through: ['text'] } },
  }
  const batch = await twoPasses(training, pairs, ['image', 'text'])
  expectSameStates(await inEveryWay(two, [batch, batch]))
  const state = createState(two)
  expect([...state.weights.keys()].every((name) => /^(image|text)\//.test(name))).toBe(true)

  const [own, shared] = [createBatchGradients(optionsOf(two, state)), createBatchGradients(optionsOf(training.recipe))]
  const results = [await own.atOnce(batch, 0), await own.inChunks(batch, 0)]
  const one = await shared.atOnce(await twoPasses(training, pairs, ['encoder', 'encoder']), 0)
  await own.close()
  await shared.close()
  for (const { loss, gradients } of results) {
    expect(Math.abs(loss / one.loss - 1)).toBeLessThan(1e-5)
    for (const [name, { weights }] of training.parameters) {
      if (name.endsWith('key.bias')) continue
      const parts = ['image', 'text'].map((tower) => whole(gradients.get(`${tower}/${name}`), weights.length))
      const sum = Float32Array.from(weights, (_, at) => (parts[0]?.[at] ?? 0) + (parts[1]?.[at] ?? 0))
      expect(relativeError(sum, whole(one.gradients.get(name), weights.length)), name).toBeLessThan(1e-4)
    }
  }
})

test('the momentum of followers rises by half a cosine', () => {
  expect([1, 5, 9].map((step) => momentumAt(step, 9, { from: 0.99, to: 1 }))).toEqual([0.99, 0.995, 1])
  expect(momentumAt(3, 9, 0.999)).toBe(0.999)
})
