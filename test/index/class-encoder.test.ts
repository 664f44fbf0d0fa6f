import { expect, test } from 'vitest'
import { createApp } from '../../src/api/index.ts'
import { delegateEncoder } from '../../src/embed/index.ts'
import { lancedb, openIndex, reindex, similarityEvaluator } from '../../src/main.ts'
import { caller } from '../support/api.ts'
import { ClassEncoder } from '../support/class-encoder.ts'
import { temporaryFolder } from '../support/temporary.ts'

const documents = [
  { id: 'a', title: 'Of asthma', text: 'how asthma is treated with a spray' },
  { id: 'b', text: 'ticks and what they carry. '.repeat(30) },
]

test('an encoder written as a class indexes, searches, re-indexes and is measured', async () => {
  const path = await temporaryFolder()
  await using index = await openIndex({ name: 'docs', encoder: new ClassEncoder(), path })
  expect(await index.add(documents)).toMatchObject({ added: 2, failedCount: 0 })
  expect(await index.add([{ id: 'c', text: 'w '.repeat(90) }], { chunk: false })).toMatchObject({ cut: 1 })
  expect((await index.search('asthma spray', { limit: 1 }))[0]?.id).toBe('a')
  const store = lancedb({ path })
  const other = new ClassEncoder(['text', 'image'])
  expect(await reindex({ store, index: 'docs', encoder: other })).toMatchObject({ documents: 3 })
  await store.close()
})

test('a server serves an encoder written as a class', async () => {
  const store = lancedb({ path: await temporaryFolder() })
  const call = caller(createApp({ indexes: { store, encoders: { own: new ClassEncoder() } } }))
  expect((await call('GET', '/v1/models/own')).body).toMatchObject({ dimensions: 16 })
  expect((await call('GET', '/health/ready')).body).toMatchObject({ status: 'ready', workers: { own: 'ok' } })
  await call('POST', '/v1/indexes', { name: 'docs', model: 'own' })
  expect((await call('PUT', '/v1/indexes/docs/documents', { documents })).body).toMatchObject({ added: 2 })
  const { body } = await call('POST', '/v1/indexes/docs/search', { queries: ['asthma spray'], limit: 1 })
  expect(body.results[0].hits[0].id).toBe('a')
  const { usage } = (await call('POST', '/v1/embeddings', { model: 'own', input: ['two words', 'one'] })).body
  expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
  await store.close()
})

test('an encoder that does not say what it takes, as those of 0.3, is refused with what to do', async () => {
  const { accepts: _, ...old } = delegateEncoder(new ClassEncoder(), {})
  const refused = { code: 'invalid-option', message: expect.stringContaining("accepts: new Set(['text'])") }
  const open: (options: object) => Promise<unknown> = (options) => Reflect.apply(openIndex, undefined, [options])
  await expect(open({ name: 'docs', encoder: old, path: await temporaryFolder() })).rejects.toMatchObject(refused)
})

test('texts are refused where an encoder takes pictures only: in the library and over HTTP', async () => {
  const path = await temporaryFolder()
  const refused = { code: 'invalid-input', message: expect.stringMatching(/images?/) }
  await using index = await openIndex({ name: 'docs', encoder: new ClassEncoder(['image']), path })
  await expect(index.add(documents)).rejects.toMatchObject(refused)
  await expect(index.search('asthma')).rejects.toMatchObject(refused)
  const evaluate = similarityEvaluator({ pairs: [{ first: 'a', second: 'b', score: 1 }] })
  await expect(evaluate(new ClassEncoder(['image']))).rejects.toMatchObject(refused)

  const store = lancedb({ path: await temporaryFolder() })
  const call = caller(createApp({ indexes: { store, encoders: { pictures: new ClassEncoder(['image']) } } }))
  expect((await call('GET', '/health/ready')).body).toMatchObject({ workers: { pictures: 'ok' } })
  await call('POST', '/v1/indexes', { name: 'docs' })
  const problem = { status: 422, body: { code: 'invalid-input', detail: expect.stringMatching(/images?/) } }
  expect(await call('POST', '/v1/embeddings', { model: 'pictures', input: 'a text' })).toMatchObject(problem)
  expect(await call('POST', '/v1/indexes/docs/search', { queries: ['asthma'] })).toMatchObject(problem)
  expect(await call('PUT', '/v1/indexes/docs/documents', { documents })).toMatchObject(problem)
  await store.close()
})
