import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type LoadEncoderOptions, loadEncoder } from '../../src/embed/index.ts'
import { writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'

type Change = (folder: string) => Promise<void>
interface Case {
  readonly name: string
  readonly base: string
  readonly change?: Change
  readonly options?: LoadEncoderOptions
}

const fixtures = new URL('../fixtures/models/', import.meta.url).pathname
const texts = [
  'The quick brown fox jumps over the lazy dog.',
  'UPPER lower MiXeD w1 w2',
  'one two three four five w3 w4 w5 w6 '.repeat(30),
  'emoji 🧪 here w199 w200 w201',
]

const edit =
  (file: string, change: (content: Record<string, unknown>) => object): Change =>
  async (folder) => {
    const place = path.join(folder, file)
    await writeFile(place, JSON.stringify(change(JSON.parse(await readFile(place, 'utf8')))))
  }
const set = (file: string, facts: object) => edit(file, (content) => ({ ...content, ...facts }))
/** Changes some values in the middle of a file, or as near to its end as is said. */
const flip =
  (file: string, fromEnd = 0.5): Change =>
  async (folder) => {
    const place = path.join(folder, file)
    const bytes = await readFile(place)
    const start = Math.floor((bytes.length * (1 - fromEnd)) / 4) * 4 + (bytes.length % 4) - 2
    for (let at = start; at < Math.min(start + 120, bytes.length); at += 4) bytes[at] = (bytes[at] ?? 0) ^ 0x10
    await writeFile(place, bytes)
  }
const normalizer = (value: object | null) => set('tokenizer.json', { normalizer: value })

/** Every fact that makes document vectors, one at a time. */
const changing: readonly Case[] = [
  { name: 'pooling', base: 'distilbert-tracing', change: set('1_Pooling/config.json', { pooling_mode: 'max' }) },
  { name: 'include_prompt', base: 'roberta-dynamo', change: set('1_Pooling/config.json', { include_prompt: true }) },
  {
    name: 'the prompt of documents',
    base: 'roberta-tracing',
    change: set('config_sentence_transformers.json', { prompts: { query: 'query: ', document: 'text: ' } }),
  },
  { name: 'do_lower_case', base: 'roberta-tracing', change: set('sentence_bert_config.json', { do_lower_case: true }) },
  { name: 'max_seq_length', base: 'bert-tracing', change: set('sentence_bert_config.json', { max_seq_length: 9 }) },
  { name: 'truncation_side', base: 'bert-tracing', change: set('tokenizer_config.json', { truncation_side: 'left' }) },
  { name: 'padding_side', base: 'bert-tracing', change: set('tokenizer_config.json', { padding_side: 'left' }) },
  { name: 'the tokenizer', base: 'bert-tracing', change: normalizer(null) },
  { name: 'the weights', base: 'bert-tracing', change: flip('onnx/model.onnx', 0.31) },
  { name: 'weights beside the model', base: 'bert-external-data', change: flip('onnx/model.onnx_data') },
  { name: 'weights beside it of any name', base: 'bert-named-data', change: flip('onnx/model.onnx.data') },
  { name: 'the weights of Dense', base: 'distilbert-tracing', change: flip('2_Dense/model.safetensors') },
  { name: 'the weights of LayerNorm', base: 'distilbert-modules', change: flip('5_LayerNorm/model.safetensors', 0.2) },
  {
    name: 'the activation of Dense',
    base: 'distilbert-tracing',
    change: set('2_Dense/config.json', { activation_function: 'torch.nn.modules.activation.ReLU' }),
  },
  {
    name: 'a residual connection',
    base: 'distilbert-modules',
    change: set('6_Dense/config.json', { use_residual: false }),
  },
  {
    name: 'the order of modules',
    base: 'distilbert-tracing',
    change: async (folder) => {
      const place = path.join(folder, 'modules.json')
      const [transformer, pooling, dense, normalize] = JSON.parse(await readFile(place, 'utf8'))
      await writeFile(place, JSON.stringify([transformer, pooling, normalize, dense]))
    },
  },
  { name: 'the output', base: 'bert-own-sentence', options: { output: 'last_hidden_state' } },
  { name: 'dimensions', base: 'bert-tracing', options: { dimensions: 16 } },
  { name: 'dtype', base: 'bert-external-data', options: { dtype: 'fp16' } },
  { name: 'the rows of a table', base: 'static', change: flip('model.safetensors') },
  { name: 'max_length of a table', base: 'static', change: set('config.json', { max_length: 3 }) },
  { name: 'dimensions of a table', base: 'static', options: { dimensions: 20 } },
  {
    name: 'the tokenizer of a table',
    base: 'static',
    change: normalizer({ type: 'Replace', pattern: { String: 'w3' }, content: 'w9' }),
  },
  {
    name: "the tokenizer of a StaticEmbedding's own folder",
    base: 'static-module',
    change: set('0_StaticEmbedding/tokenizer.json', {
      normalizer: { type: 'Replace', pattern: { String: 'w3' }, content: 'w9' },
    }),
  },
]

/** What may change without a document's vector changing. */
const harmless: readonly Case[] = [
  { name: 'nothing', base: 'bert-tracing' },
  {
    name: 'the prompt of queries',
    base: 'roberta-tracing',
    change: set('config_sentence_transformers.json', { prompts: { query: 'ask: ', document: 'passage: ' } }),
  },
  { name: 'the model card', base: 'bert-tracing', change: (folder) => writeFile(path.join(folder, 'README.md'), 'x') },
  { name: 'a chat template', base: 'bert-tracing', change: set('tokenizer_config.json', { chat_template: '{{ x }}' }) },
  { name: 'the device and the processes', base: 'bert-tracing', options: { device: 'cpu', workers: 2 } },
  {
    name: 'include_prompt without a prompt',
    base: 'bert-dynamo',
    change: set('1_Pooling/config.json', { include_prompt: false }),
  },
  {
    name: 'the cache of hashes',
    base: 'bert-tracing',
    change: (folder) => writeFile(path.join(folder, '.qontrast-fingerprint.json'), '{ broken'),
  },
  {
    name: 'how a table is searched',
    base: 'static',
    change: set('config.json', { search_mode: 'bm25', chunk_tokens: 5 }),
  },
]

async function copyOf(base: string): Promise<string> {
  const folder = path.join(await temporaryFolder(), 'model')
  if (!base.startsWith('static')) {
    await cp(path.join(fixtures, base), folder, { recursive: true })
    return folder
  }
  const { left } = await writeModels(path.dirname(folder))
  await rename(left, folder)
  if (base === 'static') return folder
  await mkdir(path.join(folder, '0_StaticEmbedding'))
  for (const name of ['model.safetensors', 'tokenizer.json']) {
    await rename(path.join(folder, name), path.join(folder, '0_StaticEmbedding', name))
  }
  return folder
}

async function look(folder: string, options: LoadEncoderOptions = {}) {
  await using encoder = await loadEncoder(folder, { device: 'cpu', workers: 1, ...options })
  const { data } = await encoder.encode(texts)
  return { fingerprint: encoder.fingerprint, data }
}

const unchanged = new Map<string, ReturnType<typeof look>>()

async function beforeAndAfter({ base, change, options }: Case) {
  const before = unchanged.get(base) ?? look(await copyOf(base))
  unchanged.set(base, before)
  const folder = await copyOf(base)
  if (change) await change(folder)
  return [await before, await look(folder, options)] as const
}

describe('vectors and fingerprint change together with', () => {
  test.each(changing)('$name', async (one) => {
    const [before, after] = await beforeAndAfter(one)
    expect(after.data).not.toEqual(before.data)
    expect(after.fingerprint).not.toBe(before.fingerprint)
  })
})

describe('neither vectors nor fingerprint change with', () => {
  test.each(harmless)('$name', async (one) => {
    const [before, after] = await beforeAndAfter(one)
    expect(after.data).toEqual(before.data)
    expect(after.fingerprint).toBe(before.fingerprint)
  })
})
