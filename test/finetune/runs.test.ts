import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Evaluator,
  type FinetuneEvent,
  type FinetuneOptions,
  finetune,
  loadEncoder,
  type Pair,
} from '../../src/main.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures } from '../support/training.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
const model = path.join(fixtures, 'models', 'bert-tracing')
const words = 'zero one two three four five six seven eight nine'.split(' ')
const pairs: Pair[] = Array.from({ length: 16 }, (_, i) => ({
  anchor: `${words[i % 10]} ${words[Math.floor(i / 10)]} fox`,
  positive: `${words[i % 10]} ${words[Math.floor(i / 10)]} dog`,
}))

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

async function run(options: Partial<FinetuneOptions> & { out: string }) {
  const warnings: string[] = []
  const events: FinetuneEvent[] = []
  const onWarning = (message: string) => warnings.push(message)
  for await (const event of finetune({ model, pairs, batchSize: 8, onWarning, ...options })) events.push(event)
  const card = await readFile(path.join(options.out, 'README.md'), 'utf8')
  return { events, warnings, card }
}

/** Gives one of these scores after the other. */
function scoring(...scores: number[]): Evaluator {
  return Object.assign(async () => ({ score: scores.shift() ?? Number.NaN }), {
    primaryMetric: 'score',
    higherIsBetter: true,
  })
}

async function vectorOf(place: string): Promise<Float32Array> {
  await using encoder = await loadEncoder(place)
  return (await encoder.encode(['hello world'])).row(0)
}

describe('the best weights', () => {
  test('are the untrained ones where no measurement is better, and it is said', async () => {
    const out = path.join(folder, 'worse')
    const { events, card } = await run({ out, learningRate: 1e-2, evaluator: scoring(1, 0.9) })
    expect(events.at(-1)).toMatchObject({ type: 'run-end', exportedStep: 0, metrics: { score: 1 } })
    expect(await vectorOf(out)).toEqual(await vectorOf(model))
    expect(card).toContain('these are the weights of the untrained model')
    expect(card).toContain('| before (exported) | 1.0000 |')
  })

  test('are trained ones where they are as good', async () => {
    const out = path.join(folder, 'as-good')
    const { events, card } = await run({ out, learningRate: 1e-2, evaluator: scoring(1, 1) })
    expect(events.at(-1)).toMatchObject({ exportedStep: 2 })
    expect(await vectorOf(out)).not.toEqual(await vectorOf(model))
    expect(card).toContain('| step 2 (exported) | 1.0000 |')
  })

  test('survive a stop, and a measurement that is no number later on is no better one', async () => {
    const out = path.join(folder, 'stopped')
    const stopping = finetune({
      model,
      pairs,
      batchSize: 4,
      out,
      evaluateEvery: 1,
      evaluator: scoring(0.1, 0.8, 0.5),
      onWarning: () => {},
    })
    for await (const event of stopping) if (event.type === 'evaluate-end' && event.step === 2) break
    const { events, card } = await run({ out, batchSize: 4, evaluateEvery: 1, evaluator: scoring(), resume: true })
    expect(events[0]).toMatchObject({ resumedFrom: 2 })
    expect(events.at(-1)).toMatchObject({ exportedStep: 1, metrics: { score: 0.8 } })
    expect(card).toContain('| step 1 (exported) | 0.8000 |')
  })

  test('cannot be chosen where there is nothing to measure', async () => {
    const out = path.join(folder, 'nothing')
    await expect(run({ out, evaluator: scoring() })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining("no number for its metric 'score'"),
    })
    await expect(run({ out, evaluateEvery: 2 })).rejects.toMatchObject({ code: 'invalid-option' })
  })
})

test('a run of one step moves the weights, and says that it is short', async () => {
  const out = path.join(folder, 'one-step')
  const { events, warnings, card } = await run({ out, batchSize: 64 })
  expect(events.find((event) => event.type === 'step-end')).toMatchObject({ step: 1, steps: 1, rate: 2e-5 })
  expect(await vectorOf(out)).not.toEqual(await vectorOf(model))
  expect(warnings).toEqual([expect.stringMatching(/^1 step will hardly change the model: 16 pairs at 64 a batch/)])
  expect(card).toContain('1 step will hardly change the model')
})

test('pairs that are left out are counted, told and not said to be used', async () => {
  const out = path.join(folder, 'left-out')
  const many = Array.from({ length: 20 }, (_, i) => ({ anchor: `fox ${i}`, positive: i < 12 ? 'dog' : `cat ${i}` }))
  const contradictory = { anchor: 'one', positive: 'two', negatives: ['two'] }
  const { events, warnings, card } = await run({ out, pairs: [...many, contradictory] })
  const taken = events.reduce((sum, event) => sum + (event.type === 'step-end' ? event.examples : 0), 0)
  expect(events[0]).toMatchObject({
    examples: 21,
    usedExamples: taken,
    batches: { count: events.filter(({ type }) => type === 'step-end').length },
  })
  expect(taken).toBeLessThan(21)
  expect(warnings[0]).toMatch(
    new RegExp(
      `^${21 - taken} of 21 pairs are left out: 1 have their own positive among their negatives; .*12 pairs share "dog"`,
    ),
  )
  expect(card).toContain(`| pairs | ${taken} of 21 used`)
})

test.each([
  ['one pair', [{ anchor: 'fox', positive: 'dog' }], 'it is the only one ("fox")'],
  ['one positive', [1, 2, 3].map((i) => ({ anchor: `fox ${i}`, positive: 'dog' })), '3 share the text "dog"'],
])('%s is refused with the reason', async (_, few, reason) => {
  await expect(run({ out: path.join(folder, 'few'), pairs: few })).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining(reason),
  })
})

describe('the longest text', () => {
  test.each(['bert-tracing', 'bert-plain', 'distilbert-modules'])(
    'of training is that of the folder: %s',
    async (name) => {
      const out = path.join(folder, `short-${name}`)
      await run({ out, model: path.join(fixtures, 'models', name), maxTokens: 10, batchSize: 16 })
      await using encoder = await loadEncoder(out)
      expect(encoder.text?.maximumTokens).toBe(10 - 2) // beside [CLS] and [SEP]
      const json = async (file: string) => JSON.parse(await readFile(path.join(out, file), 'utf8'))
      expect(await json('sentence_bert_config.json')).toMatchObject({ max_seq_length: 10 })
      expect(await json('tokenizer_config.json')).toMatchObject({ model_max_length: 10 })
      const text = 'one two three four five six seven eight nine zero fox dog'
      const [whole, cut] = [await encoder.encode([text]), await encoder.encode([text.split(' ').slice(0, 8).join(' ')])]
      expect(whole.row(0)).toEqual(cut.row(0))
    },
  )

  test('is at most what the model reads, and at least a token', async () => {
    await using encoder = await loadEncoder(model)
    const most = (encoder.text?.maximumTokens ?? 0) + 2 // [CLS] and [SEP]
    await expect(run({ out: path.join(folder, 'long'), maxTokens: most + 1 })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining(`at most ${most}`),
    })
    const { card } = await run({ out: path.join(folder, 'longest'), maxTokens: most })
    expect(card).toContain(`| maxTokens | ${most} |`)
  })
})

test('with an NVIDIA driver and no CUDA provider, auto says that it trains on the CPU', async (context) => {
  const driver = 'mount -t tmpfs tmpfs /proc/driver && mkdir /proc/driver/nvidia && touch /proc/driver/nvidia/version'
  const shell = (script: string) => promisify(execFile)('unshare', ['--mount', 'sh', '-c', `${driver} && ${script}`])
  try {
    await shell('true')
  } catch {
    context.skip('a driver can be shown only where mounts may be made')
  }
  const file = path.join(folder, 'pairs.jsonl')
  await writeFile(file, pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''))
  const out = path.join(folder, 'auto')
  const { stdout, stderr } = await shell(
    `${process.execPath} ${program} finetune --model ${model} --pairs ${file} --out ${out} --batch-size 8 --device auto`,
  )
  expect(stdout).toContain('on cpu')
  expect(stdout).not.toContain('on cuda')
  expect(stderr).toMatch(/warning: cuda is not usable .*; running on cpu/)
  expect(await readFile(path.join(out, 'README.md'), 'utf8')).toContain('| device | cpu |')
})
