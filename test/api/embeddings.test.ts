import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKey, type Server, serve } from '../../src/api/index.ts'
import { type Encoder, lancedb } from '../../src/main.ts'
import { bundled, openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

const { key, entry } = createKey({ name: 'openai', scopes: ['read'] })
let encoder: Encoder
let server: Server
let client: OpenAI

beforeAll(async () => {
  encoder = await bundled()
  const store = lancedb({ path: await temporaryFolder() })
  server = await serve({ port: 0, keys: [entry], indexes: { store, encoders: { default: encoder } } })
  client = new OpenAI({ apiKey: key, baseURL: `${server.url}/v1`, maxRetries: 0 })
})
afterAll(() => server.close())

describe("OpenAI's own client", () => {
  test('embeds a text and a list, in base64 as it asks for and as numbers', async () => {
    const matrix = await encoder.encode(['how is asthma treated?', 'ticks'])
    const expected = [matrix.row(0), matrix.row(1)]
    const one = await client.embeddings.create({ model: 'default', input: 'how is asthma treated?' })
    expect(one).toMatchObject({ object: 'list', model: 'default', data: [{ object: 'embedding', index: 0 }] })
    expect(Float32Array.from(one.data[0]?.embedding ?? [])).toEqual(expected[0])
    const two = await client.embeddings.create({
      model: 'default',
      input: ['how is asthma treated?', 'ticks'],
      encoding_format: 'float',
    })
    expect(two.data.map(({ embedding }) => Float32Array.from(embedding))).toEqual(expected)
    const countTokens = (text: string) => encoder.text?.countTokens(text) ?? 0
    expect(two.usage.prompt_tokens).toBe(countTokens('how is asthma treated?') + countTokens('ticks'))
    expect(two.usage.total_tokens).toBe(two.usage.prompt_tokens)
  })

  test('cuts to dimensions at unit length, and refuses more than there are', async () => {
    const { data } = await client.embeddings.create({ model: 'default', input: 'a text', dimensions: 32 })
    const embedding = data[0]?.embedding ?? []
    expect(embedding).toHaveLength(32)
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5)
    await expect(
      client.embeddings.create({ model: 'default', input: 'a text', dimensions: 10_000 }),
    ).rejects.toMatchObject({ status: 422 })
  })

  test('lists the models', async () => {
    const models = await client.models.list()
    expect(models.data).toMatchObject([{ id: 'default', object: 'model', owned_by: 'qontrast' }])
  })

  test('reads our problems as errors of its own', async () => {
    await expect(client.embeddings.create({ model: 'absent', input: 'x' })).rejects.toMatchObject({
      status: 404,
      code: 'model-not-found',
      message: expect.stringContaining('There is default'),
    })
    await expect(client.embeddings.create({ model: 'default', input: [[1, 2], [3]] })).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('check_embedding_ctx_length=False'),
    })
    const wrong = new OpenAI({ apiKey: 'wrong', baseURL: `${server.url}/v1`, maxRetries: 0 })
    await expect(wrong.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
  })
})

test('bad inputs are told apart', async () => {
  const { call } = await openApp()
  const embed = (body: object) => call('POST', '/v1/embeddings', { model: 'default', ...body })
  for (const input of ['', [], [''], [1, 2], 7, null, [null], {}]) expect((await embed({ input })).status).toBe(422)
  expect((await embed({ input: Array.from({ length: 10_000 }, () => 'a') })).body.detail).toContain('at most 2048')
  expect((await embed({ input: 'word '.repeat(9_000) })).body.detail).toContain('at most 8192 tokens')
  expect((await embed({ input: 'x'.repeat(200_000) })).body.detail).toContain('200000 characters')
  expect((await embed({ input: 'x', encoding_format: 'hex' })).status).toBe(422)
})

const python = process.env['PYTHON'] ?? 'python3'
const hasLangChain = await promisify(execFile)(python, ['-c', 'import langchain_openai']).then(
  () => true,
  () => false,
)
if (!hasLangChain) console.log(`skipped: LangChain's client: ${python} has no langchain_openai (PYTHON names another)`)

test.skipIf(!hasLangChain)("LangChain's client, in Python, gives the encoder's vectors", async () => {
  const script = new URL('../http/langchain_embeddings.py', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(python, [script, `${server.url}/v1`, key])
  const { query, documents, refusal } = JSON.parse(stdout)
  const vectors = await encoder.encode(['how is asthma treated?', 'ticks'])
  expect(Float32Array.from(query)).toEqual(vectors.row(0))
  expect(Float32Array.from(documents[1])).toEqual(vectors.row(1))
  expect(refusal).toContain('check_embedding_ctx_length=False')
})
