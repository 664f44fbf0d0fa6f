import { readdirSync, readFileSync } from 'node:fs'
import { cp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadEncoder } from '../../src/embed/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

interface Expected {
  readonly texts: string[]
  readonly ids: number[][]
  readonly document: number[][]
  readonly query: number[][]
}

const root = new URL('../fixtures/models/', import.meta.url).pathname
const families = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const expectedOf = (name: string): Expected => JSON.parse(readFileSync(path.join(root, name, 'expected.json'), 'utf8'))

function worstDifference(rows: readonly (readonly number[])[], row: (i: number) => Float32Array): number {
  return Math.max(...rows.flatMap((values, i) => values.map((x, d) => Math.abs(x - (row(i)[d] ?? 9)))))
}

describe('small models of every family give the vectors of sentence-transformers', () => {
  test.each(families)('%s', async (name) => {
    const { texts, document, query } = expectedOf(name)
    await using encoder = await loadEncoder(path.join(root, name), { device: 'cpu' })
    const documents = await encoder.encode(texts, { purpose: 'document' })
    const queries = await encoder.encode(texts, { purpose: 'query' })
    expect(encoder.dimensions).toBe(document[0]?.length)
    expect(worstDifference(document, documents.row)).toBeLessThanOrEqual(1e-5)
    expect(worstDifference(query, queries.row)).toBeLessThanOrEqual(1e-5)
  })
})

test('the 16-bit weights are taken when asked for', async () => {
  const { texts, document } = expectedOf('bert-external-data')
  await using encoder = await loadEncoder(path.join(root, 'bert-external-data'), { device: 'cpu', dtype: 'fp16' })
  await using whole = await loadEncoder(path.join(root, 'bert-external-data'), { device: 'cpu' })
  expect(worstDifference(document, (await encoder.encode(texts)).row)).toBeLessThan(0.02)
  expect(encoder.fingerprint).not.toBe(whole.fingerprint)
})

test('the fingerprint tells when any weight or setting changes, and not where the folder lies', async () => {
  const fingerprintWith = async (change: (folder: string) => Promise<void>) => {
    const folder = path.join(await temporaryFolder(), 'model')
    await cp(path.join(root, 'distilbert-tracing'), folder, { recursive: true })
    await rm(path.join(folder, '.qontrast-fingerprint.json'), { force: true })
    await change(folder)
    await using encoder = await loadEncoder(folder, { device: 'cpu' })
    return encoder.fingerprint
  }
  const same = await fingerprintWith(async () => {})
  expect(await fingerprintWith(async () => {})).toBe(same)
  const pooling = JSON.stringify({ embedding_dimension: 32, pooling_mode: 'mean' })
  expect(await fingerprintWith((folder) => writeFile(path.join(folder, '1_Pooling/config.json'), pooling))).not.toBe(
    same,
  )
  const flipLastByte = async (file: string) => {
    const bytes = await readFile(file)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await writeFile(file, bytes)
  }
  expect(await fingerprintWith((folder) => flipLastByte(path.join(folder, '2_Dense/model.safetensors')))).not.toBe(same)
})

test("the model's own vector is taken, or the output that is asked for", async () => {
  const folder = path.join(root, 'bert-own-sentence')
  await using own = await loadEncoder(folder, { device: 'cpu' })
  await using pooled = await loadEncoder(folder, { device: 'cpu', output: 'last_hidden_state' })
  expect([own.dimensions, pooled.dimensions]).toEqual([20, 32])
  await expect(loadEncoder(folder, { output: 'logits' })).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('last_hidden_state, sentence_embedding'),
  })
})

describe('a broken folder says what is wrong', () => {
  const broken = async (change: (folder: string) => Promise<void>) => {
    const folder = path.join(await temporaryFolder(), 'model')
    await cp(path.join(root, 'bert-tracing'), folder, { recursive: true })
    await change(folder)
    return loadEncoder(folder, { device: 'cpu' })
  }

  test('no ONNX file: the export in two lines', async () => {
    const load = broken((folder) => rm(path.join(folder, 'onnx'), { recursive: true }))
    await expect(load).rejects.toMatchObject({
      code: 'model-not-found',
      message: expect.stringMatching(/onnx\/model\.onnx.*pip install.*SentenceTransformer/s),
    })
  })
  test('no file of the dtype asked for: those that are there', async () => {
    const load = loadEncoder(path.join(root, 'bert-tracing'), { dtype: 'q8' })
    await expect(load).rejects.toMatchObject({
      code: 'model-not-found',
      message: expect.stringMatching(/model_quantized\.onnx.*It has onnx\/model\.onnx/s),
    })
  })
  test('a truncated ONNX file', async () => {
    const load = broken((folder) => truncate(path.join(folder, 'onnx/model.onnx'), 5_000))
    await expect(load).rejects.toMatchObject({ code: 'model-invalid', message: expect.stringContaining('model.onnx') })
  })
  test('no tokenizer', async () => {
    const load = broken((folder) => rm(path.join(folder, 'tokenizer.json')))
    await expect(load).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('tokenizer.json'),
    })
  })
  test('a settings file that is no JSON, by its name', async () => {
    const load = broken((folder) => writeFile(path.join(folder, '1_Pooling/config.json'), '{'))
    await expect(load).rejects.toMatchObject({ code: 'model-invalid', message: expect.stringContaining('1_Pooling') })
  })
  test('a module that is not known, by its type', async () => {
    const modules = JSON.stringify([{ idx: 0, name: '0', path: '', type: 'sentence_transformers.models.LSTM' }])
    const load = broken((folder) => writeFile(path.join(folder, 'modules.json'), modules))
    await expect(load).rejects.toMatchObject({ code: 'model-invalid', message: expect.stringContaining('LSTM') })
  })
  test('a module before there is a vector it could work on', async () => {
    const modules = JSON.stringify(
      ['Transformer', 'Dense', 'Pooling'].map((kind) => ({ path: '', type: `sentence_transformers.models.${kind}` })),
    )
    const load = broken((folder) => writeFile(path.join(folder, 'modules.json'), modules))
    await expect(load).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('Dense before'),
    })
  })
  test('weights that are not beside the model, by their name', async () => {
    const folder = path.join(await temporaryFolder(), 'model')
    await cp(path.join(root, 'bert-named-data'), folder, { recursive: true })
    await rm(path.join(folder, 'onnx/model.onnx.data'))
    await expect(loadEncoder(folder)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining("'model.onnx.data'"),
    })
  })
  test('a file that is a link out of the folder, and a path that leads out of it', async () => {
    const outside = path.join(await temporaryFolder(), 'tokenizer.json')
    await cp(path.join(root, 'bert-tracing/tokenizer.json'), outside)
    const linked = broken(async (folder) => {
      await rm(path.join(folder, 'tokenizer.json'))
      await symlink(outside, path.join(folder, 'tokenizer.json'))
    })
    await expect(linked).rejects.toMatchObject({ code: 'model-invalid', message: expect.stringContaining('leads out') })
    const modules = JSON.stringify([{ idx: 1, name: '1', path: '../..', type: 'sentence_transformers.models.Pooling' }])
    await expect(broken((folder) => writeFile(path.join(folder, 'modules.json'), modules))).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('leads out'),
    })
  })
})
