import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { transformer } from '../../../src/finetune/encoders/transformer.ts'
import type { EncoderSource } from '../../../src/finetune/methods/tower-source.ts'
import { type Encoder, type FinetuneEvent, type FinetuneOptions, finetune, loadEncoder } from '../../../src/main.ts'
import { createRandom, dot } from '../../../src/shared/index.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { fixtures } from '../../support/training.ts'

/** Each topic has words that questions are made of, and others that answers are made of: no word is in both. */
const topics = [
  ['river lake stream pond', 'boat swim fish water'],
  ['piano violin drum flute', 'music song concert melody'],
  ['doctor nurse hospital clinic', 'patient medicine illness health'],
  ['bread flour oven dough', 'baker taste hungry breakfast'],
  ['judge court lawyer trial', 'crime law prison verdict'],
  ['planet star moon comet', 'telescope space orbit sky'],
  ['school teacher pupil class', 'learn book lesson exam'],
  ['train station railway track', 'journey ticket travel passenger'],
].map((words) => words.map((line) => line.split(' ')))

const random = createRandom(7)
const pick = (words: readonly string[] = []) => words[Math.floor(random() * words.length)] ?? ''
const some = (words: readonly string[] | undefined) => `${pick(words)} ${pick(words)} ${pick(words)}`
const pairs = Array.from({ length: 2048 }, (_, i) => {
  const [questions, answers] = topics[i % topics.length] ?? []
  return { anchor: `${some(questions)} ${i}`, positive: `${some(answers)} ${i * 7}` }
})

/** Share of questions whose nearest answer is of their topic. */
async function accuracy(encoder: Encoder): Promise<number> {
  const questions = await encoder.encode(
    topics.map(([words = []]) => words.join(' ')),
    { purpose: 'query' },
  )
  const answers = await encoder.encode(topics.map(([, words = []]) => words.join(' ')))
  const found = topics.filter((_, q) => {
    const scores = topics.map((_, a) => dot(questions.row(q), answers.row(a)))
    return scores.indexOf(Math.max(...scores)) === q
  })
  return found.length / topics.length
}

const sizes = { layers: 2, width: 32, heads: 2, maximumTokens: 24 } as const
const tinySizes = { ...sizes, tokenizer: path.join(fixtures, 'models/bert-tracing') }
const settings = { batchSize: 32, learningRate: 3e-3, device: 'cpu', threads: 1 } as const

async function run(options: Partial<FinetuneOptions> & { readonly model?: EncoderSource } = {}) {
  const out = path.join(await temporaryFolder(), 'trained')
  const events: FinetuneEvent[] = []
  const whole = { model: transformer(sizes), pairs, ...settings, out, onWarning: () => {}, ...options }
  for await (const event of finetune(whole)) events.push(event)
  return { events, out: whole.out, weights: await readFile(path.join(whole.out, 'onnx/model.onnx')) }
}

test('it learns from pairs what no untrained encoder knows', { timeout: 60_000 }, async () => {
  const measured: number[] = []
  const measure = async (encoder: Encoder) => {
    measured.push(await accuracy(encoder))
    return { accuracy: measured.at(-1) ?? 0 }
  }
  const evaluator = Object.assign(measure, { primaryMetric: 'accuracy', higherIsBetter: true })
  const { events, out } = await run({ evaluator })
  const losses = events.flatMap((event) => (event.type === 'step-end' ? [event.loss] : []))
  expect(losses.at(-1)).toBeLessThan(0.75 * (losses[0] ?? 0))
  expect(measured[0]).toBeLessThanOrEqual(0.5)
  expect(measured[1]).toBeGreaterThanOrEqual(0.9)
  await using encoder = await loadEncoder(out, { device: 'cpu' })
  expect(await accuracy(encoder)).toBe(measured[1])
  expect(events[0]).toMatchObject({ type: 'run-start', device: 'cpu' })
  expect(await readFile(path.join(out, 'README.md'), 'utf8')).toMatch(
    /^# transformer, trained from scratch$[\s\S]*^\| encoder \| \{"layers":2,"width":32,/m,
  )
})

const few = pairs.slice(0, 256) // 8 steps
const tiny = transformer(tinySizes)

test('the same seed trains the same weights, from the same first ones', async () => {
  const one = await run({ model: tiny, pairs: few })
  const other = await run({ model: tiny, pairs: few })
  const third = await run({ model: tiny, pairs: few, seed: 43 })
  expect(Buffer.compare(one.weights, other.weights)).toBe(0)
  expect(Buffer.compare(one.weights, third.weights)).not.toBe(0)
})

test('a run that is killed and resumed gives the weights of one that was not', { timeout: 60_000 }, async () => {
  const undisturbed = await run({ model: tiny, pairs: few })
  const out = path.join(await temporaryFolder(), 'killed')
  const script = `
    import { transformer } from './src/finetune/encoders/transformer.ts'
    import { finetune } from './src/main.ts'
    const [sizes, options] = JSON.parse(process.argv[1])
    for await (const event of finetune({ model: transformer(sizes), ...options, onWarning() {} }))
      console.log(JSON.stringify(event))`
  const given = JSON.stringify([tinySizes, { ...settings, pairs: few, out, checkpointEvery: 4 }])
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) {
    const event: FinetuneEvent = JSON.parse(line)
    if (event.type === 'step-end' && event.step === 6) child.kill('SIGKILL')
  }
  await gone
  const resumed = await run({ model: tiny, pairs: few, out, resume: true, checkpointEvery: 4 })
  const [start] = resumed.events
  expect(start).toMatchObject({ type: 'run-start', resumedFrom: expect.any(Number) })
  expect(start?.type === 'run-start' && start.resumedFrom).toBeGreaterThan(0)
  expect(Buffer.compare(resumed.weights, undisturbed.weights)).toBe(0)
})

test('another shape of encoder does not go on from its checkpoint', async () => {
  const { out } = await run({ model: tiny, pairs: few })
  const other = run({ pairs: few, out, resume: true, model: transformer({ ...tinySizes, heads: 4 }), epochs: 2 })
  await expect(other).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('encoder.heads: 2 then, 4 now'),
  })
})

test.each([
  [{ layers: 1, width: 6, heads: 1, hidden: 1, maximumTokens: 3, pooling: 'cls' }],
  [{ layers: 1, width: 15, heads: 5, hidden: 7, maximumTokens: 9 }],
] as const)('shapes of all kinds train, on texts of no word and of many: %j', async (shape) => {
  const odd = Array.from({ length: 8 }, (_, i) => ({
    anchor: i === 3 ? '!' : `word ${i}`,
    positive: 'x '.repeat(i * 9) + i,
  }))
  const { events } = await run({ model: transformer({ ...tinySizes, ...shape }), pairs: odd, batchSize: 4, epochs: 2 })
  const losses = events.flatMap((event) => (event.type === 'step-end' ? [event.loss] : []))
  expect(losses.length).toBe(4)
  expect(losses.every(Number.isFinite)).toBe(true)
})
