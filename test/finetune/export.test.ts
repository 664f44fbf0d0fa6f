import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { expect, test } from 'vitest'
import { finetune, loadEncoder } from '../../src/main.ts'
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
  for (const name of ['distilbert-tracing', 'roberta-dynamo', 'bert-plain', 'bert-external-data']) {
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
