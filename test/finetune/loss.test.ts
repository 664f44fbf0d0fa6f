import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { appendGradient } from '../../src/finetune/autodiff/index.ts'
import { buildLoss } from '../../src/finetune/losses/build-loss.ts'
import { infoNce } from '../../src/finetune/losses/info-nce.ts'
import { createBuilder, serializeModel, sizeOf } from '../../src/graph/index.ts'
import {
  finetune,
  type GraphBuilder,
  type InfoNceOptions,
  type Loss,
  type LossOutput,
  type ValueName,
} from '../../src/main.ts'
import { createRunner, type HostTensor } from '../../src/runtime/index.ts'
import { floats, numbers, openGraph } from '../support/op-cases.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures, relativeError } from '../support/training.ts'

interface Golden {
  readonly options: InfoNceOptions & { readonly negatives?: number }
  readonly loss: number
  readonly gradients: Readonly<Record<'anchor' | 'positive' | 'negative', readonly number[]>>
}
const golden: readonly Golden[] = JSON.parse(readFileSync(path.join(fixtures, 'training', 'losses.json'), 'utf8'))

/** Numbers that PyTorch was given too. */
const ramp = (dims: readonly number[], seed: number): HostTensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(seed + 0.7 * i)),
})

test.each(golden.map((one) => [JSON.stringify(one.options), one] as const))(
  'InfoNCE %s has the value and the gradients of PyTorch',
  async (_, { options, loss, gradients }) => {
    const { negatives = 0, ...rest } = options
    const roles = { anchor: [4, 6], positive: [4, 6], ...(negatives > 0 ? { negative: [4 * negatives, 6] } : {}) }
    const names = Object.entries(roles)
    const g = createBuilder()
    for (const [name, dims] of names) g.input(name, { dtype: 'float32', dims })
    const embeddings = { anchor: 'anchor', positive: 'positive', ...(negatives > 0 ? { negative: 'negative' } : {}) }
    const value = infoNce(rest).build(g, { embeddings, rows: {}, columns: {}, parameters: {}, state: {} }).loss
    const found = appendGradient(g, { seeds: new Map([[value, g.scalar(1)]]), targets: names.map(([name]) => name) })
    g.output(value)
    for (const [name] of names) g.output(found.get(name) ?? '')
    const opsets = new Map([
      ['', 20],
      ['com.microsoft', 1],
    ])
    const runner = await createRunner(serializeModel({ graph: g.build(), irVersion: 9, opsets, functions: [] }), {
      device: 'cpu',
      threads: 1,
    })
    const results = await runner.run(Object.fromEntries(names.map(([name, dims], i) => [name, ramp(dims, i + 1)])))
    expect(Math.abs((numbers(results[value])[0] ?? 0) / loss - 1)).toBeLessThan(1e-5)
    for (const [role, expected] of Object.entries(gradients))
      expect(relativeError(numbers(results[found.get(role) ?? '']), expected), role).toBeLessThan(1e-4)
  },
)

/** The squared distance of each pair, weighed by its label. */
const labelled: Loss = {
  name: 'labelled',
  settings: {},
  columns: ['label'],
  build(g, { embeddings: { anchor = '', positive = '' }, columns: { label = '' } }) {
    const distance = g.op('ReduceSumSquare', [g.op('Sub', [anchor, positive]), g.ints([1])], { keepdims: 0 })
    return { loss: g.op('ReduceMean', [g.op('Mul', [distance, g.op('Cast', [label], { to: 1 })])], { keepdims: 0 }) }
  },
}

test('a loss with labels gets them beside the embeddings, and gradients go where it says', async () => {
  const g = createBuilder()
  const [anchor, positive] = ['anchor', 'positive'].map((name) =>
    g.input(name, { dtype: 'float32', dims: ['pairs', 2] }),
  )
  const label = g.input('label', { dtype: 'int64', dims: ['pairs'] })
  const embeddings = { anchor: anchor ?? '', positive: positive ?? '' }
  const given = { embeddings, rows: {}, columns: { label }, parameters: {}, state: {} }
  const { loss } = buildLoss(g, labelled, given)
  const found = appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets: ['anchor', 'positive'] })
  const names = [loss, found.get('anchor') ?? '', found.get('positive') ?? '']
  for (const name of names) g.output(name)
  const graph = { ...g.build(), outputs: names.map((name) => ({ name, type: undefined })) }
  const runner = await openGraph(graph)
  const results = await runner.run({
    anchor: floats([2, 2], Float32Array.of(1, 2, 3, 4)),
    positive: floats([2, 2], Float32Array.of(0, 4, 9, 9)),
    label: { dtype: 'int64', dims: [2], data: BigInt64Array.of(1n, 0n) },
  })
  await runner.release()
  expect(names.map((name) => Array.from(numbers(results[name]), (value) => value + 0))).toEqual([
    [2.5],
    [1, -2, 0, 0],
    [-1, 2, 0, 0],
  ])
})

const words = 'one two three four five six seven eight'.split(' ')
const pairs = words.map((anchor, i) => ({ anchor, positive: `${words[(i * 3 + 1) % 8]} ${words[(i + 5) % 8]}` }))

async function lossesOf(loss: Loss): Promise<number[]> {
  const model = path.join(fixtures, 'models', 'bert-tracing')
  const options = {
    model,
    pairs,
    out: await temporaryFolder(),
    epochs: 6,
    batchSize: 8,
    learningRate: 5e-3,
    dropout: 0,
  }
  const losses: number[] = []
  for await (const event of finetune({ ...options, loss, onWarning: () => {} }))
    if (event.type === 'step-end') losses.push(event.loss)
  return losses
}

/** Mean of how far pairs are apart beyond a margin: Sub, Mul, ReduceMean and Max, as in examples/own-loss.ts. */
function beyond(write: (g: GraphBuilder, distance: ValueName) => LossOutput): Loss {
  return {
    name: 'beyond',
    settings: {},
    build(g, { embeddings: { anchor = '', positive = '' } }) {
      const difference = g.op('Sub', [anchor, positive])
      const distance = g.op('ReduceMean', [g.op('Mul', [difference, difference]), g.ints([1])], { keepdims: 0 })
      return write(g, g.op('Max', [g.op('Sub', [distance, g.scalar(0.01)]), g.scalar(0)]))
    },
  }
}

test("a loss of one's own trains", async () => {
  const losses = await lossesOf(beyond((g, missing) => ({ loss: g.op('ReduceMean', [missing], { keepdims: 0 }) })))
  expect(losses).toHaveLength(6)
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2)
})

test.each<[string, Loss, RegExp]>([
  [
    'that is a number for each pair',
    beyond((_, missing) => ({ loss: missing })),
    /the loss is float32\[.+\], and must be one float32/,
  ],
  [
    'of values that are none',
    beyond((g) => ({ loss: g.op('Add', ['nowhere', g.scalar(1)]) })),
    /input 0 of Add is 'nowhere'/,
  ],
  [
    'of sizes that differ',
    beyond((g, missing) => ({
      loss: g.op('Add', [g.op('ReduceSum', [missing]), g.floats([1, 2, 3])]),
      metrics: { missing },
    })),
    /the loss is float32\[3\]/,
  ],
  [
    'that wants another embedding',
    { ...labelled, columns: [], build: (g, { embeddings: { image = '' } }) => ({ loss: g.op('Neg', [image]) }) },
    /input 0 of Neg is ''/,
  ],
  [
    'with a metric of several numbers',
    beyond((g, missing) => ({ loss: g.op('ReduceMean', [missing]), metrics: { missing } })),
    /the metric 'missing' is float32\[.+\]/,
  ],
])('a loss %s is refused by its name, before anything is trained', async (_, loss, message) => {
  await expect(lossesOf(loss)).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringMatching(new RegExp(`The loss '${loss.name}' cannot be used: .*${message.source}`)),
  })
})

test('a temperature that is not above 0, and no direction, are refused', () => {
  expect(() => infoNce({ temperature: 0 })).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  expect(() => infoNce({ directions: [] })).toThrow(expect.objectContaining({ code: 'invalid-option' }))
})
