import { appendFile, cp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { differences, type RunIdentity } from '../../src/finetune/engine/identity.ts'
import {
  type FinetuneEvent,
  type FinetuneOptions,
  finetune,
  infoNce,
  knnEvaluator,
  type Loss,
  type Pair,
  retrievalEvaluator,
  similarityEvaluator,
} from '../../src/main.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures } from '../support/training.ts'

const model = path.join(fixtures, 'models', 'bert-tracing')
const pairs: Pair[] = Array.from({ length: 8 }, (_, i) => ({ anchor: `one ${i}`, positive: `two ${i}` }))

async function run(options: Partial<FinetuneOptions> & { out: string }): Promise<FinetuneEvent[]> {
  const onWarning = () => {}
  const events: FinetuneEvent[] = []
  for await (const event of finetune({ model, pairs, batchSize: 4, onWarning, ...options })) events.push(event)
  return events
}

const ratesOf = (events: readonly FinetuneEvent[]) =>
  events.flatMap((event) => (event.type === 'step-end' ? [event.rate] : []))

describe('what a run is', () => {
  const identity: RunIdentity = {
    method: { name: 'pairs' },
    model: './minilm',
    modelSha256: 'a',
    pairs: 8,
    pairsSha256: 'b',
    epochs: 2,
    batchSize: 4,
    learningRate: 1e-3,
    warmup: 0.1,
    schedule: 'linear',
    weightDecay: 0,
    dropout: 0.1,
    clip: 1,
    maxTokens: 64,
    cacheChunk: null,
    accumulate: 1,
    seed: 1,
    loss: { name: 'info-nce', temperature: 0.05, directions: ['anchor-to-positive'] },
    optimizer: { name: 'adamw', beta1: 0.9 },
    metric: 'highest ndcg@10',
    metricSha256: 'd',
    earlierEpochs: [],
  }
  const changed: Record<string, [Partial<RunIdentity>, string]> = {
    method: [{ method: { name: 'simcse' } }, 'method.name: "pairs" then, "simcse" now'],
    batchSize: [{ batchSize: 8 }, 'batchSize: 4 then, 8 now'],
    learningRate: [{ learningRate: 2e-5 }, 'learningRate: 0.001 then, 0.00002 now'],
    warmup: [{ warmup: 0 }, 'warmup: 0.1 then, 0 now'],
    schedule: [{ schedule: 'cosine' }, 'schedule: "linear" then, "cosine" now'],
    weightDecay: [{ weightDecay: 1 }, 'weightDecay: 0 then, 1 now'],
    dropout: [{ dropout: 0 }, 'dropout: 0.1 then, 0 now'],
    clip: [{ clip: 0 }, 'clip: 1 then, 0 now'],
    maxTokens: [{ maxTokens: 32 }, 'maxTokens: 64 then, 32 now'],
    cacheChunk: [{ cacheChunk: 8 }, 'cacheChunk: null then, 8 now'],
    accumulate: [{ accumulate: 2 }, 'accumulate: 1 then, 2 now'],
    seed: [{ seed: 2 }, 'seed: 1 then, 2 now'],
    temperature: [{ loss: { ...identity.loss, temperature: 0.1 } }, 'loss.temperature: 0.05 then, 0.1 now'],
    directions: [
      { loss: { ...identity.loss, directions: ['positive-to-anchor'] } },
      'loss.directions: ["anchor-to-positive"] then, ["positive-to-anchor"] now',
    ],
    optimizer: [{ optimizer: { name: 'adamw', beta1: 0.8 } }, 'optimizer.beta1: 0.9 then, 0.8 now'],
    model: [{ model: './bge', modelSha256: 'c' }, 'model: "./minilm" then, "./bge" now'],
    'model files': [{ modelSha256: 'c' }, 'model: "./minilm", but its files have changed'],
    'number of pairs': [{ pairs: 9, pairsSha256: 'c' }, 'pairs: 8 then, 9 now'],
    'texts of pairs': [{ pairsSha256: 'c' }, 'pairs: 8, but the texts have changed'],
    metric: [{ metric: 'none' }, 'metric: "highest ndcg@10" then, "none" now'],
    'what is measured': [{ metricSha256: 'e' }, 'metric: "highest ndcg@10", but what it is measured on has changed'],
    'fewer epochs': [{ epochs: 1 }, 'epochs: 2 then, 1 now'],
  }

  test.each(Object.entries(changed))('%s: another one is told with both values', (_, [change, message]) => {
    expect(differences(identity, { ...identity, ...change })).toEqual([message])
  })

  test('every setting is among them', () => {
    const tried = Object.values(changed).flatMap(([change]) => Object.keys(change))
    expect(Object.keys(identity).filter((name) => !tried.includes(name))).toEqual(['earlierEpochs'])
  })

  test('the same model under another name, more epochs, and a first evaluator may come', () => {
    expect(
      differences(
        { ...identity, metric: 'none', metricSha256: null },
        { ...identity, model: '/models/minilm', epochs: 3 },
      ),
    ).toEqual([])
  })
})

test('an evaluator is known by its data and settings', () => {
  const texts = [{ text: 'fox', label: 'animal' }]
  const documents = new Map([['d', 'fox']])
  const judged = { documents, queries: new Map([['q', 'dog']]), relevance: new Map([['q', new Map([['d', 1]])]]) }
  const evaluators = () => [
    similarityEvaluator({ pairs: [{ first: 'a', second: 'b', score: 1 }] }),
    similarityEvaluator({ pairs: [{ first: 'a', second: 'b', score: 2 }] }),
    knnEvaluator({ train: texts, test: texts }),
    knnEvaluator({ train: texts, test: texts }, { k: 3 }),
    retrievalEvaluator(judged),
    retrievalEvaluator(judged, { mode: 'dense' }),
    retrievalEvaluator({ ...judged, documents: new Map([['d', 'wolf']]) }),
  ]
  const known = evaluators().map((evaluator) => evaluator.fingerprint?.())
  expect(new Set(known).size).toBe(known.length)
  expect(evaluators().map((evaluator) => evaluator.fingerprint?.())).toEqual(known)
})

test("the loss's own temperature is on the card, and a run with another is another run", async () => {
  const out = path.join(await temporaryFolder(), 'out')
  await run({ out, loss: infoNce({ temperature: 0.1 }) })
  expect(await readFile(path.join(out, 'README.md'), 'utf8')).toContain('| temperature | 0.1 |')
  await expect(run({ out, resume: true })).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('loss.temperature: 0.1 then, 0.05 now'),
  })
  await expect(run({ out, resume: true, loss: infoNce({ temperature: 0.1 }), temperature: 0.1 })).rejects.toMatchObject(
    { code: 'invalid-option', message: expect.stringContaining('infoNce({ temperature })') },
  )
})

test('a loss that tells no settings is known by what it computes', async () => {
  const out = path.join(await temporaryFolder(), 'out')
  const own = (temperature: number): Loss => {
    const { build } = infoNce({ temperature })
    return { name: 'own', settings: {}, build }
  }
  await run({ out, loss: own(0.1) })
  await expect(run({ out, resume: true, loss: own(0.2) })).rejects.toMatchObject({
    message: expect.stringContaining('loss.graph'),
  })
  expect((await run({ out, resume: true, loss: own(0.1) }))[0]).toMatchObject({ resumedFrom: 2 })
})

test('with more epochs a run goes on at the rates of the longer one', async () => {
  const folder = await temporaryFolder()
  const [long, out] = [path.join(folder, 'long'), path.join(folder, 'out')]
  const begun = await run({ out, epochs: 1 })
  const resumed = await run({ out, epochs: 3, resume: true })
  expect(begun[0]).toMatchObject({ steps: 2 })
  expect(resumed[0]).toMatchObject({ steps: 6, resumedFrom: 2 })
  expect(ratesOf(resumed)).toEqual(ratesOf(await run({ out: long, epochs: 3 })).slice(2))
  expect(await readFile(path.join(out, 'README.md'), 'utf8')).toContain('| epochs | 1, then 3 |')
  await expect(run({ out, epochs: 1, resume: true })).rejects.toMatchObject({
    message: expect.stringContaining('epochs: 3 then, 1 now'),
  })
})

test('the same model in another place goes on; another model in the same place does not', async () => {
  const folder = await temporaryFolder()
  const [moved, out] = [path.join(folder, 'moved'), path.join(folder, 'out')]
  await run({ out })
  await cp(model, moved, { recursive: true })
  expect((await run({ out, model: moved, resume: true }))[0]).toMatchObject({ resumedFrom: 2 })
  await appendFile(path.join(moved, 'tokenizer.json'), '\n')
  expect((await run({ out, model: moved, resume: true }))[0]).toMatchObject({ resumedFrom: 2 })
  await cp(path.join(fixtures, 'models', 'bert-plain'), moved, { recursive: true })
  await expect(run({ out, model: moved, resume: true })).rejects.toMatchObject({
    message: expect.stringContaining('its files have changed'),
  })
})
