import { cp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type LoadEncoderOptions, loadEncoder, openIndex } from '../../src/main.ts'
import { writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures } from '../support/training.ts'

const before = fileURLToPath(new URL('../fixtures/format-2/', import.meta.url))
const fingerprints: Readonly<Record<string, string>> = JSON.parse(
  await readFile(path.join(before, 'fingerprints.json'), 'utf8'),
)

/** `bert-tracing`, `default, 64 dimensions`, `static left`. */
async function open(name: string) {
  const [model = '', dimensions] = name.split(', ')
  const options: LoadEncoderOptions = dimensions ? { dimensions: Number.parseInt(dimensions, 10) } : {}
  if (model === 'default') return loadEncoder(model, options)
  if (model === 'static left') return loadEncoder((await writeModels(await temporaryFolder())).left)
  return loadEncoder(path.join(fixtures, 'models', model), { ...options, device: 'cpu', workers: 1 })
}

/** One of each way to read a folder; the index below has two more. */
const read = ['bert-named-data', 'distilbert-modules', 'roberta-dynamo', 'default, 64 dimensions', 'static left']

describe('the fingerprint is that of 0.3.0:', () => {
  test.each(read)('%s', async (name) => {
    await using encoder = await open(name)
    expect(encoder.fingerprint).toBe(fingerprints[name])
  })
})

test.each(['table', 'bert'])('an index of 0.3.0 is searched and added to without being made anew: %s', async (name) => {
  const folder = await temporaryFolder()
  await cp(path.join(before, 'lancedb'), folder, { recursive: true })
  await using encoder = await open(name === 'table' ? 'default' : 'bert-tracing')
  await using index = await openIndex({ name, encoder, path: folder, fields: { legs: 'number' }, create: false })
  const fox = {
    id: 'fox',
    title: 'The fox',
    text: 'The quick brown fox jumps over the lazy dog.',
    payload: { legs: 4 },
  }
  expect(await index.add([fox, { id: 'new', text: 'two three' }])).toMatchObject({ unchanged: 1, added: 1 })
  const hits = await index.search('The fox\nThe quick brown fox jumps over the lazy dog.', { mode: 'dense', limit: 1 })
  expect(hits[0]).toMatchObject({ id: 'fox', payload: { legs: 4 } })
  expect(hits[0]?.scores?.dense).toBeCloseTo(1, 5) // the vector of today is that of then
})
