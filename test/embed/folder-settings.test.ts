import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadEncoder, locateModel, readTransformer } from '../../src/embed/index.ts'
import { describeWithShared } from '../support/shared.ts'
import { temporaryFolder } from '../support/temporary.ts'

const root = new URL('../fixtures/models/', import.meta.url).pathname

/** A copy of a small model whose settings are others: the text of a JSON value, put in place of a setting's. */
async function folderWith(file: string, setting: string, value: string, model = 'bert-tracing'): Promise<string> {
  const folder = path.join(await temporaryFolder(), 'model')
  await cp(path.join(root, model), folder, { recursive: true })
  const before = JSON.parse(await readFile(path.join(folder, file), 'utf8'))
  const text = JSON.stringify({ ...before, [setting]: 'HERE' }).replace('"HERE"', value)
  await writeFile(path.join(folder, file), text)
  return folder
}

const read = async (folder: string) => readTransformer(await locateModel(folder), { dtype: 'fp32' })

const limits = [
  ['sentence_bert_config.json', 'max_seq_length'],
  ['tokenizer_config.json', 'model_max_length'],
  ['config.json', 'max_position_embeddings'],
] as const
const noNumber = ['0', '-3', '1.5', '"32"', 'true', '[32]', '{}', 'NaN', '-1e300', '1e-9']

describe('a number of a settings file that is none is refused by its name', () => {
  const others = [
    ['config.json', 'pad_token_id', ['-2', '0.5', '"0"', '1e300', 'NaN']],
    ['1_Pooling/config.json', 'word_embedding_dimension', noNumber],
  ] as const
  test.each([...limits.map(([file, setting]) => [file, setting, noNumber] as const), ...others])(
    '%s: %s',
    async (file, setting, values) => {
      for (const value of values) {
        const loading = read(await folderWith(file, setting, value))
        await expect(loading, value).rejects.toMatchObject({
          code: 'model-invalid',
          message: expect.stringMatching(new RegExp(`${file}.*(${setting}.*got|JSON)`)),
        })
      }
    },
  )
  test('sizes of a Dense module, and ids of tokens', async () => {
    const dense = await folderWith('2_Dense/config.json', 'in_features', '"32"', 'distilbert-tracing')
    await expect(read(dense)).rejects.toMatchObject({ message: expect.stringContaining('in_features') })
    for (const id of ['-1', '"7"', '1e300', '0.5', 'null']) {
      const vocabulary = await folderWith('tokenizer.json', 'model', `{"type":"WordPiece","vocab":{"word":${id}}}`)
      await expect(read(vocabulary)).rejects.toMatchObject({ message: expect.stringContaining('word') })
    }
  })
})

test.each(limits)('null and a limit past any use are none: %s, %s', async (file, setting) => {
  const without = (await read(await folderWith(file, setting, 'null'))).tokenizer.maximumTokens
  expect(without).toBeGreaterThanOrEqual(32)
  for (const value of ['1e30', '1000000000000000019884624838656', '1e300', '1e999'])
    expect((await read(await folderWith(file, setting, value))).tokenizer.maximumTokens, value).toBe(without)
})

test('−1 stands for no limit of positions, and for no padding token', async () => {
  for (const setting of ['max_position_embeddings', 'pad_token_id'])
    await expect(read(await folderWith('config.json', setting, '-1')), setting).resolves.toBeDefined()
})

describe('a maximum that leaves no token for a text is refused', () => {
  test.each(['1', '2'])('max_seq_length %s with two special tokens', async (value) => {
    for (const model of ['bert-tracing', 'bert-left-truncation']) {
      const folder = await folderWith('sentence_bert_config.json', 'max_seq_length', value, model)
      await expect(loadEncoder(folder)).rejects.toMatchObject({
        code: 'model-invalid',
        message: expect.stringMatching(/2 of them are special.*max_seq_length/),
      })
    }
  })
  test('three are enough', async () => {
    const folder = await folderWith('sentence_bert_config.json', 'max_seq_length', '3')
    const { tokenizer } = await read(folder)
    expect(tokenizer.encode('one two three '.repeat(1000))).toHaveLength(3)
  })
  test('a prompt as long as the maximum', async () => {
    const prompts = JSON.stringify({ query: '', document: 'one two three four five six '.repeat(9) })
    const folder = await folderWith('config_sentence_transformers.json', 'prompts', prompts)
    await expect(read(folder)).rejects.toMatchObject({ message: expect.stringContaining('none is left for a text') })
  })
})

test('the name that earlier versions of sentence-transformers gave its settings is known', async () => {
  const folder = await folderWith('sentence_bert_config.json', 'max_seq_length', 'null', 'roberta-tracing')
  await writeFile(path.join(folder, 'sentence_roberta_config.json'), '{ "max_seq_length": 20 }')
  expect((await read(folder)).tokenizer.maximumTokens).not.toBe(20)
  await writeFile(path.join(folder, 'sentence_bert_config.json'), '{}')
  expect((await read(folder)).tokenizer.maximumTokens).toBe(20)
})

describe('modules that cannot be run as sentence-transformers runs them are refused', () => {
  const modules = async (...entries: (readonly [name: string, type: string])[]) => {
    const folder = path.join(await temporaryFolder(), 'model')
    await cp(path.join(root, 'distilbert-modules'), folder, { recursive: true })
    const list = [{ name: '0', path: '', type: 'sentence_transformers.models.Transformer' }]
    const places: Record<string, string> = { Pooling: '1_Pooling', Dense: '3_Dense' }
    for (const [name, type] of entries) list.push({ name, path: places[type.split('.').at(-1) ?? ''] ?? '', type })
    await writeFile(path.join(folder, 'modules.json'), JSON.stringify(list))
    return folder
  }
  const pooling = 'sentence_transformers.models.Pooling'
  test('a class of the model itself that is called like a known one', async () => {
    const folder = await modules(['1', 'custom_code.Pooling'])
    await expect(read(folder)).rejects.toMatchObject({ message: expect.stringContaining('custom_code.Pooling') })
  })
  test('two of one name', async () => {
    const folder = await modules(['1', pooling], ['1', 'sentence_transformers.models.Normalize'])
    await expect(read(folder)).rejects.toMatchObject({ message: expect.stringContaining("name '1'") })
  })
  test('a Dense for vectors of another size', async () => {
    const dense = 'sentence_transformers.models.Dense'
    const folder = await modules(['1', pooling], ['2', dense], ['3', dense])
    await expect(loadEncoder(folder)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining("'3_Dense' takes vectors of 32 numbers; the modules before it give 24"),
    })
  })
})

describe('a folder of another kind of model is told what it is', () => {
  const empty = async (...files: (readonly [from: string, to: string])[]) => {
    const folder = path.join(await temporaryFolder(), 'model')
    for (const [from, to] of files) await cp(from, path.join(folder, to), { recursive: true })
    return folder
  }
  test('ONNX files of other names', async () => {
    const folder = await empty([path.join(root, 'bert-tracing/onnx/model.onnx'), 'encoder.onnx'])
    await expect(loadEncoder(folder)).rejects.toMatchObject({
      code: 'model-not-found',
      message: expect.stringMatching(/encoder\.onnx: rename the one to be loaded to onnx\/model\.onnx/),
    })
  })
  test('a table of token vectors, to fine-tuning', async () => {
    await expect(read('default')).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/table of token vectors.*cannot be trained yet/),
    })
  })
  test('a table that has an ONNX file beside it, as Model2Vec writes one', async () => {
    const folder = await empty(
      [(await locateModel('default')).root, '.'],
      [path.join(root, 'bert-tracing/onnx/model.onnx'), 'onnx/model.onnx'],
    )
    const modules = ['StaticEmbedding', 'Normalize'].map((kind) => ({
      path: '',
      type: `sentence_transformers.models.${kind}`,
    }))
    await writeFile(path.join(folder, 'modules.json'), JSON.stringify(modules))
    await using table = await loadEncoder('default')
    await using encoder = await loadEncoder(folder)
    expect((await encoder.encode(['one word'])).data).toEqual((await table.encode(['one word'])).data)
    await expect(read(folder)).rejects.toMatchObject({ message: expect.stringContaining('cannot be trained yet') })
  })
  test('a table with layers after it', async () => {
    const folder = await empty([(await locateModel('default')).root, '.'])
    const modules = ['StaticEmbedding', 'Dense'].map((kind) => ({
      path: '',
      type: `sentence_transformers.models.${kind}`,
    }))
    await writeFile(path.join(folder, 'modules.json'), JSON.stringify(modules))
    await expect(loadEncoder(folder)).rejects.toMatchObject({
      message: expect.stringContaining('has Dense beside a table'),
    })
  })
  describeWithShared('convolutional networks', ['models'], (models) => {
    test.each([
      ['cnn-mnist-onnx/cntk-mnist.onnx', 'model.onnx', 'is an image model'],
      ['cnn-mnist-onnx/pytorch-dynamo-mnist.onnx', 'onnx/model.onnx', 'has no preprocessor_config.json'],
      ['cnn-cifar10-resnet-onnx/resnet_2b.onnx', 'resnet_2b.onnx', 'is an image model'],
      ['cnn-embedders-onnx/osnet.onnx', 'onnx/model_quantized.onnx', 'is an image model'],
    ])('%s as %s', async (from, to, message) => {
      const folder = await empty([path.join(models, from), to])
      const refused = (text: string) => ({ code: 'model-invalid', message: expect.stringContaining(text) })
      await expect(loadEncoder(folder)).rejects.toMatchObject(refused(message))
      await expect(read(folder)).rejects.toMatchObject(refused('is an image model'))
    })
  })
})
