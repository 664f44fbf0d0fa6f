import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { expect, test } from 'vitest'
import { transformer } from '../../../src/finetune/encoders/transformer.ts'
import { writeModel } from '../../../src/finetune/encoders/write-model.ts'
import { type Model, parseModel } from '../../../src/graph/index.ts'
import { loadEncoder } from '../../../src/main.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { fixtures, relativeError } from '../../support/training.ts'

const texts = ['hello world', '', 'a', 'naïve café Zürich', 'one two three four five six']
const model = (name: string) => path.join(fixtures, 'models', name)
const small = { layers: 2, width: 24, heads: 3, maximumTokens: 32 } as const

async function written(options: Parameters<typeof transformer>[0], seed = 5): Promise<string> {
  const out = path.join(await temporaryFolder(), 'new-model')
  const { tower } = await transformer(options).create(seed)
  await tower.write(out, new Map())
  return out
}

test.each([
  ['the bundled tokenizer', small],
  [
    'a tokenizer of a folder, one layer, one head, an odd width',
    { ...small, tokenizer: model('bert-left-padding'), layers: 1, width: 7, heads: 1, hidden: 3 },
  ],
  [
    'a tokenizer with another padding, and the first token as the text',
    { ...small, tokenizer: model('xlm-roberta-tracing'), pooling: 'cls' },
  ],
] as const)('what never was a file opens here and in transformers.js with equal vectors: %s', async (_, options) => {
  const out = await written(options)
  await using encoder = await loadEncoder(out, { device: 'cpu' })
  const own = await encoder.encode(texts)
  expect(encoder.dimensions).toBe(options.width)
  for (let row = 0; row < own.rows; row++) expect(Math.hypot(...own.row(row))).toBeCloseTo(1, 5)
  env.allowRemoteModels = false
  env.localModelPath = `${path.dirname(out)}/`
  const extract = await pipeline('feature-extraction', 'new-model', { dtype: 'fp32' })
  const pooling = 'pooling' in options ? options.pooling : 'mean'
  const vectors = await extract(texts, { pooling, normalize: true })
  expect(relativeError(own.data, Float32Array.from(vectors.data, Number))).toBeLessThan(1e-5)
  const alone = await encoder.encode([texts[3] ?? '']) // a text's vector is its own, whatever is in its batch
  expect(relativeError(alone.row(0), own.row(3))).toBeLessThan(1e-5)
})

test('a text is cut where the new model’s positions end', async () => {
  const out = await written({ ...small, maximumTokens: 8, tokenizer: model('bert-tracing') })
  await using encoder = await loadEncoder(out, { device: 'cpu' })
  const long = 'one two three four five six seven eight '.repeat(20)
  const vectors = await encoder.encode([long, `${long} nine ten`])
  expect(encoder.text?.maximumTokens).toBe(6)
  expect(vectors.row(0)).toEqual(vectors.row(1))
})

test('the same seed writes the same files, another one other weights', async () => {
  const hashes = async (folder: string) => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
    const hash = async (file: string) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
    return Promise.all(files.sort().map(async (file) => [path.relative(folder, file), await hash(file)]))
  }
  const options = { ...small, tokenizer: model('bert-tracing') }
  const [one, same, other] = await Promise.all([written(options), written(options), written(options, 6)])
  expect(await hashes(same)).toEqual(await hashes(one))
  const [before, after] = [await hashes(one), await hashes(other)]
  expect(after.filter((file, i) => `${file}` !== `${before[i]}`).map(([name]) => name)).toEqual(['onnx/model.onnx'])
})

test('weights too large for one file lie beside it, each on a page of its own, and open as the others do', async () => {
  const inside = await written({ ...small, tokenizer: model('bert-tracing') })
  const whole = parseModel(new Uint8Array(await readFile(path.join(inside, 'onnx/model.onnx'))), () => undefined)
  const outside = path.join(await temporaryFolder(), 'outside')
  const files: Record<string, object> = {}
  for (const name of [
    'config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'modules.json',
    '1_Pooling/config.json',
  ])
    files[name] = JSON.parse(await readFile(path.join(inside, name), 'utf8'))
  await writeModel(outside, whole, { files, mostInside: 1000 })
  expect((await readdir(path.join(outside, 'onnx'))).sort()).toEqual(['model.onnx', 'model.onnx_data'])
  const data = new Uint8Array(await readFile(path.join(outside, 'onnx/model.onnx_data')))
  const offsets: number[] = []
  const again: Model = parseModel(
    new Uint8Array(await readFile(path.join(outside, 'onnx/model.onnx'))),
    (location, { offset, length }) => {
      expect(location).toBe('model.onnx_data')
      offsets.push(offset)
      return data.slice(offset, offset + (length ?? 0))
    },
  )
  expect(offsets.length).toBeGreaterThan(10)
  expect(offsets.every((offset) => offset % 4096 === 0)).toBe(true)
  for (const [name, { bytes }] of whole.graph.initializers)
    expect(Buffer.compare(again.graph.initializers.get(name)?.bytes ?? new Uint8Array(), bytes)).toBe(0)
  await using one = await loadEncoder(inside, { device: 'cpu' })
  await using other = await loadEncoder(outside, { device: 'cpu' })
  expect((await other.encode(texts)).data).toEqual((await one.encode(texts)).data)
  await writeModel(outside, whole, { files }) // what lay beside the file before does not stay
  expect(await readdir(path.join(outside, 'onnx'))).toEqual(['model.onnx'])
})

test.each([
  [{ width: 10, heads: 3 }, 'heads must divide the width; got 3 heads of a width of 10.'],
  [{ layers: 0 }, 'layers must be a whole number from 1; got 0.'],
  [{ hidden: 1.5 }, 'hidden must be a whole number from 1; got 1.5.'],
  [{ pooling: 'max' }, "pooling must be mean or cls; got 'max'."],
  [{ depth: 3 }, 'depth'],
])('sizes that make no transformer are refused: %j', (options, message) => {
  // @ts-expect-error: a caller without types
  expect(() => transformer(options)).toThrow(message)
})

test('a tokenizer that is nowhere, and positions that leave no room, are refused', async () => {
  await expect(transformer({ tokenizer: './nowhere' }).create(1)).rejects.toMatchObject({ code: 'model-not-found' })
  await expect(transformer({ ...small, maximumTokens: 2 }).create(1)).rejects.toMatchObject({
    message: expect.stringContaining('maximumTokens must be at least 3'),
  })
  await expect(transformer(small).create(1, { maximumTokens: 33 })).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('to 32, the encoder'),
  })
  const empty = await temporaryFolder()
  await mkdir(path.join(empty, 'onnx'))
  await expect(transformer({ tokenizer: empty }).create(1)).rejects.toMatchObject({
    message: expect.stringContaining('no tokenizer.json'),
  })
})
