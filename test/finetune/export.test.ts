import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { expect, test } from 'vitest'
import { finetune, infoNce, loadEncoder } from '../../src/main.ts'
import { dot } from '../../src/shared/index.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures, openTraining, pairsOf, relativeError } from '../support/training.ts'

const texts = ['hello world', 'The quick brown fox jumps over the lazy dog.', 'naïve café Zürich', 'one two three']
const pairs = pairsOf([
  ['hello world', 'quick brown fox'],
  ['one two three', 'four five six'],
  ['lazy dog', 'the cat sat'],
  ['upper lower', 'seven eight'],
])

async function trained(name: string): Promise<string> {
  const out = path.join(await temporaryFolder(), name)
  const model = path.join(fixtures, 'models', name)
  for await (const _ of finetune({ model, pairs, out, batchSize: 4, epochs: 4, learningRate: 1e-3 }));
  return out
}

test.each([
  ['bert-tracing', 'mean'],
  ['bert-dynamo', 'cls'],
  ['distilbert-dynamo', 'mean'],
] as const)('transformers.js opens an exported %s and gives the same vectors', async (name, pooling) => {
  const out = await trained(name)
  await using encoder = await loadEncoder(out)
  const own = await encoder.encode(texts)
  env.allowRemoteModels = false
  env.localModelPath = `${path.dirname(out)}/`
  const extract = await pipeline('feature-extraction', name, { dtype: 'fp32' })
  const vectors = await extract(texts, { pooling, normalize: true })
  expect(vectors.data).toBeInstanceOf(Float32Array)
  expect(relativeError(own.data, Float32Array.from(vectors.data, Number))).toBeLessThan(1e-5)
})

test('weights, Dense layers included, come back from the folder as they were trained', async () => {
  for (const name of ['distilbert-tracing', 'distilbert-modules', 'roberta-dynamo', 'bert-plain', 'bert-named-data']) {
    const out = await trained(name)
    await using again = await openTraining(out)
    await using before = await openTraining(path.join(fixtures, 'models', name))
    expect([...again.parameters.keys()]).toEqual([...before.parameters.keys()])
    const moved = [...again.parameters].filter(
      ([parameter, { weights }]) => relativeError(weights, before.parameters.get(parameter)?.weights ?? []) > 0,
    )
    expect(moved.length).toBeGreaterThan(again.parameters.size * 0.8)
    await using encoder = await loadEncoder(out)
    const vectors = await encoder.encode(texts)
    expect(vectors.data.every(Number.isFinite)).toBe(true)
  }
})

test.each([
  'bert-tracing',
  'distilbert-modules',
  'distilbert-normalize-first',
  'bert-own-sentence',
  'bert-left-truncation',
])('training begins at the vectors that the encoder gives: %s', async (name) => {
  const folder = path.join(fixtures, 'models', name)
  await using training = await openTraining(folder, { loss: infoNce({ temperature: 1 }) })
  await using encoder = await loadEncoder(folder, { device: 'cpu' })
  const anchors = await encoder.encode(
    pairs.map(({ anchor }) => anchor),
    { purpose: 'query' },
  )
  const positives = await encoder.encode(pairs.map(({ positive }) => positive))
  const losses = pairs.map((_, i) => {
    const scores = pairs.map((_, j) => Math.exp(dot(anchors.row(i), positives.row(j))))
    return Math.log(scores.reduce((sum, score) => sum + score, 0)) - Math.log(scores[i] ?? 0)
  })
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  expect((await training.oneShot(pairs)).loss).toBeCloseTo(mean, 5)
})

test('the folder holds what describes the model, and no old weights', async () => {
  const out = await trained('distilbert-tracing')
  const entries = await readdir(out, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(out, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
  expect(files.filter((file) => !file.startsWith('run/')).sort()).toMatchInlineSnapshot(`
    [
      "1_Pooling/config.json",
      "2_Dense/config.json",
      "2_Dense/model.safetensors",
      "README.md",
      "config.json",
      "config_sentence_transformers.json",
      "modules.json",
      "onnx/model.onnx",
      "sentence_bert_config.json",
      "tokenizer.json",
      "tokenizer_config.json",
    ]
  `)
})
