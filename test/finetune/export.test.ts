import { access, cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
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
  const model = path.resolve(fixtures, 'models', name)
  const out = path.join(await temporaryFolder(), path.basename(name))
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

test('a folder without the files of sentence-transformers gets whole ones, which its versions 5 and 6 open', async () => {
  const bare = path.join(await temporaryFolder(), 'bare')
  await mkdir(bare)
  const plain = path.join(fixtures, 'models', 'bert-plain')
  for (const name of ['config.json', 'tokenizer.json']) await cp(path.join(plain, name), path.join(bare, name))
  await cp(path.join(plain, 'onnx', 'model.onnx'), path.join(bare, 'model.onnx'))
  const out = await trained(bare)
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(path.join(out, name), 'utf8'))
  expect(await read('1_Pooling/config.json')).toMatchObject({
    word_embedding_dimension: 32,
    pooling_mode_mean_tokens: true,
    pooling_mode_cls_token: false,
  })
  expect(await read('sentence_bert_config.json')).toEqual({ max_seq_length: 66, do_lower_case: false })
  expect(await read('tokenizer_config.json')).toEqual({
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: 66,
    pad_token: '[PAD]',
    padding_side: 'right',
    truncation_side: 'right',
  })
  expect(await read('config_sentence_transformers.json')).toMatchObject({ default_prompt_name: null })
  await using before = await loadEncoder(bare, { device: 'cpu' })
  await using after = await loadEncoder(out, { device: 'cpu' })
  expect(after.dimensions).toBe(before.dimensions)
})

test('the tokenizer is of a class that transformers 4 and 5 know, and modules are kept wherever they lie', async () => {
  const folder = path.join(await temporaryFolder(), 'model')
  await cp(path.join(fixtures, 'models', 'distilbert-tracing'), folder, { recursive: true })
  await rename(path.join(folder, '2_Dense'), path.join(folder, 'projection'))
  const modules = await readFile(path.join(folder, 'modules.json'), 'utf8')
  await writeFile(path.join(folder, 'modules.json'), modules.replace('2_Dense', 'projection'))
  const out = await trained(folder)
  expect(await readFile(path.join(out, 'tokenizer_config.json'), 'utf8')).toContain('"PreTrainedTokenizerFast"')
  const dense = await readFile(path.join(out, 'projection', 'config.json'), 'utf8')
  expect(dense).toBe(await readFile(path.join(folder, 'projection', 'config.json'), 'utf8'))
  await expect(access(path.join(out, 'projection', 'model.safetensors'))).resolves.toBeUndefined()
})
