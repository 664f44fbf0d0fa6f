import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { lossParameter, lossState } from '../../src/finetune/engine/recipe.ts'
import { type TrainState, valuesOf } from '../../src/finetune/engine/state.ts'
import { createStepTaker, type Way } from '../../src/finetune/engine/take-steps.ts'
import { type FinetuneOptions, runSettings } from '../../src/finetune/options.ts'
import { type FinetuneEvent, finetune, type Loss, type Pair } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { learnedTemperature, queued, statefulLosses } from '../support/stateful-losses.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures, openTraining, relativeError } from '../support/training.ts'

const model = path.join(fixtures, 'models', 'bert-tracing')
const words = 'hello world the quick brown fox jumps over lazy dog one two three four five six'.split(' ')
const pairs: Pair[] = Array.from({ length: 12 }, (_, i) => {
  const phrase = (from: number, count: number) =>
    Array.from({ length: count }, (__, k) => words[(from + 3 * k) % 16]).join(' ')
  return { anchor: phrase(i, 1 + (i % 4)), positive: phrase(i + 5, 2 + (i % 7)) }
})

async function open(loss: Loss, options: Partial<FinetuneOptions> = {}, way?: Way) {
  const training = await openTraining(model, { loss })
  const settings = runSettings({ model, pairs, out: '', clip: 1, weightDecay: 0.1, dropout: 0, ...options })
  const given = { ...training, settings, device: 'cpu', threads: 2 } as const
  const taker = createStepTaker({ ...given, ...(way ? { way } : {}) })
  const take = async (step: number, parts: readonly (readonly Pair[])[]) =>
    taker.take([await training.stepOf(step, parts, { chunkItems: settings.cacheChunk })])
  return { ...training, taker, take, [Symbol.asyncDispose]: () => taker.close() }
}

const floatsOf = (state: TrainState, name: string) => Float32Array.from(valuesOf(state).get(name)?.data ?? [], Number)

/** The keys' biases have gradients of zero by symmetry: they walk on rounding noise. */
function expectSame(own: TrainState, expected: TrainState, tolerance: number): void {
  for (const name of valuesOf(expected).keys()) {
    if (name.endsWith('key.bias')) continue
    const reference = floatsOf(expected, name)
    if (reference.every((value) => value === 0)) expect(floatsOf(own, name), name).toEqual(reference)
    else expect(relativeError(floatsOf(own, name), reference), name).toBeLessThan(tolerance)
  }
}

describe.each(Object.entries(statefulLosses))('a loss with a %s', (_, makeLoss) => {
  test('takes the same steps at once and by the gradient cache, and its parts accumulate', async () => {
    for (const parts of [[pairs], [pairs.slice(0, 6), pairs.slice(6)]]) {
      await using whole = await open(makeLoss())
      await using cached = await open(makeLoss(), { cacheChunk: 5 })
      for (let step = 1; step <= 3; step++) {
        const [[one], [other]] = [await whole.take(step, parts), await cached.take(step, parts)]
        expect(Math.abs((one?.loss ?? 0) / (other?.loss ?? 1) - 1)).toBeLessThan(1e-5)
        for (const [name, value] of Object.entries(one?.metrics ?? {}))
          expect(Math.abs(value - (other?.metrics[name] ?? Number.NaN))).toBeLessThanOrEqual(1e-5 * Math.abs(value))
      }
      expect(whole.state.step).toBe(3)
      expectSame(cached.state, whole.state, 1e-4)
    }
  })

  test.each(['resident', 'loop'] as const)('moves as on the host in the way %s, whatever comes', async (way) => {
    await using host = await open(makeLoss(), {}, 'host')
    await using other = await open(makeLoss(), {}, way)
    const stretches = [
      [[pairs], [pairs.slice(3)]],
      [[pairs.slice(0, 6), pairs.slice(6)], [pairs]], // accumulated on the host, from the state that the device left
      [[pairs.slice(4)]],
    ]
    let step = 0
    for (const stretch of stretches) {
      const planned = await Promise.all(stretch.map((parts) => host.stepOf(++step, parts)))
      const [expected, taken] = [await host.taker.take(planned), await other.taker.take(planned)]
      for (const [i, { loss, metrics }] of expected.entries()) {
        expect(Math.abs((taken[i]?.loss ?? 0) / loss - 1)).toBeLessThan(1e-3)
        expect(Object.keys(taken[i]?.metrics ?? {})).toEqual(Object.keys(metrics))
        for (const [name, value] of Object.entries(metrics)) expect(taken[i]?.metrics[name]).toBeCloseTo(value, 3)
      }
    }
    await other.taker.settle()
    expect(other.state.step).toBe(step)
    expectSame(other.state, host.state, 1e-2)
  })
})

test('a learned temperature moves, and is cut to its range after every update', async () => {
  await using training = await open(learnedTemperature({ begin: Math.log(99.9) }))
  const scale = () => floatsOf(training.state, lossParameter('logScale'))[0] ?? Number.NaN
  const scales = []
  for (let step = 1; step <= 6; step++) {
    await training.taker.take([{ ...(await training.stepOf(step, [pairs])), rate: 1e-1 }])
    scales.push(scale())
  }
  for (const one of scales) expect(one).toBeLessThanOrEqual(Math.fround(Math.log(100)))
  expect(new Set([Math.fround(Math.log(99.9)), ...scales]).size).toBeGreaterThan(1)
})

test('a queue has the newest rows first, those of every accumulated part', async () => {
  await using training = await open(queued({ length: 12 }))
  await using alone = await openTraining(model, { loss: queued({ length: 12 }) })
  const parts = [pairs.slice(0, 5), pairs.slice(5, 9)]
  await training.take(1, parts)
  const begun = floatsOf(alone.state, lossState('queue'))
  const first = (await alone.oneShot(parts[0] ?? [], 4)).next.get(lossState('queue'))?.data ?? []
  const second = (await alone.oneShot(parts[1] ?? [], 4)).next.get(lossState('queue'))?.data ?? []
  const rows = (values: ArrayLike<number | bigint>, count: number) =>
    Float32Array.from(values, Number).slice(0, count * 32)
  const expected = [...rows(second, 4), ...rows(first, 5), ...rows(begun, 3)]
  expect(relativeError(floatsOf(training.state, lossState('queue')), expected)).toBeLessThan(1e-5)
  expect(floatsOf(training.state, lossState('seen'))).toEqual(Float32Array.of(9))
})

test('what a loss gives as its next state keeps type and size, and is of its state', async () => {
  const shrinking = queued()
  const build =
    (isKnown: boolean): Loss['build'] =>
    (g, values) => {
      const { state = {}, ...output } = shrinking.build(g, values)
      const end = isKnown ? g.ints([3]) : g.op('Abs', [g.ints([3])])
      const queue = g.op('Slice', [state['queue'] ?? '', g.ints([0]), end, g.ints([0])])
      return { ...output, state: { ...state, queue } }
    }
  await using known = await open({ ...shrinking, build: build(true) })
  await expect(known.take(1, [pairs])).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining("its next 'queue' is float32[3, 32], and its state float32[16, 32]"),
  })
  await using training = await open({ ...shrinking, build: build(false) })
  await expect(training.take(1, [pairs])).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining("'loss.state/queue' is float32 [16,32]"),
  })
  const { state: _, ...stateless } = shrinking
  await using other = await open({
    ...stateless,
    build: (g, values) => ({
      ...shrinking.build(g, { ...values, state: { queue: g.floats([0], [1, 1]), seen: g.ints([0]) } }),
    }),
  })
  await expect(other.take(1, [pairs])).rejects.toMatchObject({
    code: expect.stringMatching(/invalid/),
  })
})

const many: Pair[] = Array.from({ length: 24 }, (_, i) => {
  return { anchor: `${words[i % 16]} ${words[(i * 7 + 3) % 16]} ${i}`, positive: `${words[(i * 5) % 16]} ${i}` }
})
const program = new URL('../support/stateful-training.ts', import.meta.url).pathname

const base = {
  model,
  pairs: many,
  batchSize: 4,
  accumulate: 2,
  epochs: 3,
  learningRate: 1e-3,
  checkpointEvery: 2,
  device: 'cpu',
} as const

async function collect(options: FinetuneOptions): Promise<FinetuneEvent[]> {
  const events: FinetuneEvent[] = []
  for await (const event of finetune(options)) events.push(event)
  return events
}

async function lastState(out: string): Promise<Buffer> {
  const folder = path.join(out, 'run', 'checkpoints')
  const newest = (await readdir(folder)).sort().at(-1) ?? ''
  return readFile(path.join(folder, newest, 'state.safetensors'))
}

const random = createRandom(Date.now())

test.each(Object.entries(statefulLosses))(
  'killed and resumed, a run with a %s ends with the state of one that was not, bit for bit, and tells its metrics',
  async (name, makeLoss) => {
    const folder = await temporaryFolder()
    const [reference, out] = [path.join(folder, 'reference'), path.join(folder, 'killed')]
    const loss = makeLoss()
    const whole = await collect({ ...base, out: reference, loss, onWarning: () => {} })
    const steps = whole.flatMap((event) => (event.type === 'step-end' ? [event] : []))
    expect(steps).toHaveLength(9)
    for (const { metrics } of steps) expect(Object.keys(metrics)).toEqual([name === 'queue' ? 'seen' : 'scale'])
    expect(await readFile(path.join(reference, 'README.md'), 'utf8')).toContain(`| loss | ${loss.name} |`)

    const killed = [2 + Math.floor(random() * 3), 5 + Math.floor(random() * 4)]
    for (const at of killed) {
      const args = [program, name, JSON.stringify({ ...base, out, resume: at !== killed[0] })]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      for await (const line of createInterface({ input: child.stdout })) {
        const event: FinetuneEvent = JSON.parse(line)
        if (event.type === 'step-end' && event.step >= at) child.kill('SIGKILL')
      }
    }
    const resumed = await collect({ ...base, out, loss, resume: true, onWarning: () => {} })
    expect(resumed[0]).toMatchObject({ type: 'run-start', resumedFrom: expect.any(Number) })
    expect((await lastState(out)).equals(await lastState(reference)), `killed after ${killed}`).toBe(true)
    expect(
      (await readFile(path.join(out, 'onnx', 'model.onnx'))).equals(
        await readFile(path.join(reference, 'onnx', 'model.onnx')),
      ),
    ).toBe(true)
    await expect(
      collect({ ...base, out, loss: { ...loss, settings: { other: 1 } }, resume: true }),
    ).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('loss.other'),
    })
  },
)

test('a run of an older format is refused with what to do, by its settings and by its checkpoint', async () => {
  const out = path.join(await temporaryFolder(), 'out')
  const options = { ...base, pairs: many.slice(0, 8), epochs: 1, out, onWarning: () => {} }
  await collect(options)
  const config = path.join(out, 'run', 'config.json')
  const { format: _, ...older } = JSON.parse(await readFile(config, 'utf8'))
  const refusal = { code: 'invalid-option', message: expect.stringMatching(/format 1.*0\.3.*version that began it/) }
  await writeFile(config, JSON.stringify(older))
  await expect(collect({ ...options, resume: true })).rejects.toMatchObject(refusal)
  await writeFile(config, JSON.stringify({ format: 2, ...older }))
  const place = path.join(out, 'run', 'checkpoints', 'step-99999999')
  await mkdir(place)
  await writeFile(
    path.join(place, 'state.json'),
    JSON.stringify({ format: 1, step: 99999999, cutTexts: 0, best: null, usedRows: {} }),
  )
  await expect(collect({ ...options, resume: true })).rejects.toMatchObject(refusal)
})
