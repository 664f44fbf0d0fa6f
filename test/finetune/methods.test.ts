import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { createBatchMaker } from '../../src/finetune/data/batch-maker.ts'
import { inputsOf } from '../../src/finetune/engine/feed-steps.ts'
import { batchSetupOf, openTowers, recipeOf } from '../../src/finetune/engine/follow-method.ts'
import { cutRulesOf, sizeRuleOf } from '../../src/finetune/engine/memory.ts'
import { train } from '../../src/finetune/engine/train.ts'
import type { TrainOptions } from '../../src/finetune/engine/train-options.ts'
import type { Method } from '../../src/finetune/methods/method.ts'
import { pretrained } from '../../src/finetune/methods/pretrained.ts'
import type { TowerSource } from '../../src/finetune/methods/tower-source.ts'
import type { Tower } from '../../src/finetune/tower/tower.ts'
import { createBuilder, float32Tensor } from '../../src/graph/index.ts'
import { adamW, loadEncoder } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { byol, simCse, textData } from '../support/methods.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures } from '../support/training.ts'

const model = path.join(fixtures, 'models', 'bert-tracing')
const words = 'the quick brown fox jumps over lazy dog one two three four five six seven eight'.split(' ')
const texts = Array.from({ length: 16 }, (_, i) =>
  Array.from({ length: 3 + (i % 5) }, (__, k) => words[(i * 3 + k * 5) % words.length]).join(' '),
)
const encoder = pretrained(model, { maxTokens: null, dropout: 0.1 })

/** One layer from `from` numbers to `to`. */
function linear(from: number, to: number): TowerSource {
  return {
    async open() {
      const random = createRandom(from * to)
      const numbers = Float32Array.from({ length: from * to }, () => random() - 0.5)
      const g = createBuilder()
      const input = g.input('rows', { dtype: 'float32', dims: ['batch', from] })
      const weight = g.input('weight', { dtype: 'float32', dims: [from, to] })
      const output = g.op('MatMul', [input, weight])
      g.output(output)
      const tower: Tower = {
        model: { graph: g.build('linear'), irVersion: 9, opsets: new Map([['', 20]]), functions: [] },
        types: g.types(),
        inputs: ['rows'],
        output,
        dimensions: to,
        parameters: new Map([['weight', { value: float32Tensor(numbers, [from, to]), role: 'weight' }]]),
        buffers: new Map(),
        batchDependent: false,
        dropout: undefined,
        notices: [],
        identity: () => `${from} ${to}`,
        write: async () => {},
      }
      return { tower, identity: { from, to } }
    },
  }
}

const settings = {
  epochs: 2,
  learningRate: 1e-3,
  warmup: 0.1,
  schedule: 'constant',
  weightDecay: 0,
  clip: 1,
  cacheChunk: null,
  accumulate: 1,
  seed: 3,
} as const

async function run(method: Method, options: Partial<TrainOptions<undefined>> & { readonly out: string }) {
  const given = { method, data: textData(texts), settings, optimizer: adamW(), onWarning: () => {}, ...options }
  const events = await Array.fromAsync(train(given))
  return events.flatMap((event) => (event.type === 'step-end' ? [event.loss] : []))
}

const methods = {
  simcse: () => simCse({ encoder }),
  byol: () => byol({ encoder, projection: linear(32, 8), prediction: linear(8, 8) }),
}

test.each(Object.entries(methods))(
  '%s trains through the engine, at once and by the gradient cache, and is resumed bit for bit',
  async (_, method) => {
    const folder = await temporaryFolder()
    const place = (name: string) => path.join(folder, name)
    const whole = await run(method(), { out: place('whole') })
    expect(whole).toHaveLength(8)
    expect(whole.slice(-3).reduce((sum, loss) => sum + loss)).toBeLessThan(
      whole.slice(0, 3).reduce((sum, loss) => sum + loss),
    )
    const undropped = pretrained(model, { maxTokens: null, dropout: 0 })
    const [once, chunks] = [
      await run({ ...method(), towers: { ...method().towers, encoder: undropped } }, { out: place('once') }),
      await run(
        { ...method(), towers: { ...method().towers, encoder: undropped } },
        { out: place('chunks'), settings: { ...settings, cacheChunk: 3 } },
      ),
    ]
    for (const [i, loss] of once.entries()) expect(Math.abs((chunks[i] ?? 0) - loss)).toBeLessThan(1e-3)

    const first = { method: method(), data: textData(texts), settings, optimizer: adamW(), onWarning: () => {} }
    for await (const event of train({ ...first, out: place('parts') }))
      if (event.type === 'step-end' && event.step === 3) break
    expect(await run(method(), { out: place('parts'), resume: true })).toEqual(whole.slice(3))
    const weightsOf = (name: string) => readFile(path.join(place(name), 'onnx', 'model.onnx'))
    expect((await weightsOf('parts')).equals(await weightsOf('whole'))).toBe(true)
    await using trained = await loadEncoder(place('whole'))
    expect((await trained.encode(['the fox'])).row(0)).toHaveLength(32)
  },
)

test('batches are the same bit for bit for any number of threads that make them', async () => {
  const method = methods.byol()
  const opened = await openTowers(method)
  const recipe = recipeOf(method, opened, { optimizer: adamW(), steps: 1 })
  const size = (name: string) => sizeRuleOf('host', opened.get(name)?.tower)
  const setup = batchSetupOf(method, opened, { recipe, cut: cutRulesOf('host', null), size })
  const orders = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      inputsOf(
        method,
        texts.slice(i, i + 4).map((text) => ({ text })),
        i,
      ),
    ),
  )
  const made = await Promise.all(
    [0, 1, 3].map(async (workers) => {
      const maker = createBatchMaker(setup, { workers })
      const batches = await Promise.all(orders.map((inputs) => maker.make(inputs)))
      await maker.close()
      return batches
    }),
  )
  expect(made[1]).toEqual(made[0])
  expect(made[2]).toEqual(made[0])
  expect(new Set(made[0]?.map(({ groups }) => JSON.stringify(groups.map(({ items }) => items)))).size).toBeGreaterThan(
    0,
  )
})

test('a run is the same with any number of threads that make batches', async () => {
  const folder = await temporaryFolder()
  const losses = await Promise.all(
    [0, 3].map((workers) => run(methods.byol(), { out: path.join(folder, `${workers}`), workers })),
  )
  expect(losses[1]).toEqual(losses[0])
})

test('this thread stays free while a step is taken', async () => {
  const out = path.join(await temporaryFolder(), 'out')
  let turns = 0
  let waiting = true
  const turn = () => {
    turns += 1
    if (waiting) setImmediate(turn)
  }
  const seen: number[] = []
  turn()
  const options = { method: methods.simcse(), data: textData(texts), settings, optimizer: adamW(), out }
  for await (const event of train({ ...options, onWarning: () => {} })) if (event.type === 'step-end') seen.push(turns)
  waiting = false
  for (const [i, count] of seen.entries()) if (i > 0) expect(count - (seen[i - 1] ?? 0)).toBeGreaterThan(20)
})

test.skipIf(process.platform === 'win32')('a run that is killed leaves no process behind', async () => {
  const out = path.join(await temporaryFolder(), 'out')
  const program = new URL('../support/stateful-training.ts', import.meta.url).pathname
  const pairs = texts.map((text, i) => ({ anchor: text, positive: `${text} ${i}` }))
  const args = [program, 'queue', JSON.stringify({ model, pairs, out, batchSize: 4, epochs: 50, device: 'cpu' })]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    if (JSON.parse(line).type === 'step-end') child.kill('SIGKILL')
  }
  await ended
  expect(() => process.kill(-(child.pid ?? 0), 0)).toThrow('ESRCH') // its whole group is gone
})
