/** What every consumer does: the bundled encoder and the embedded store, a model in a child process, and Qdrant's client. */
const work = `
async function work(model) {
  const encoder = await loadEncoder()
  const index = await openIndex({ name: 'answers', encoder, path: './data' })
  await index.add([{ id: 'a', text: 'Asthma is treated with inhalers.' }, { id: 'b', text: 'Ticks bite.' }])
  const hits = await index.search('lung disease', { limit: 1 })
  await index.close()
  await encoder.close()
  const transformer = await loadEncoder(model, { device: 'cpu', workers: 1 })
  const { columns } = await transformer.encode(['a text'])
  await transformer.close()
  const store = qdrant({ url: 'http://127.0.0.1:65431' })
  const failure = await store.list().catch((error) => error)
  return [hits[0].id, columns, isQontrastError(failure, 'store-unavailable')].join(' ')
}`
const names = 'isQontrastError, loadEncoder, openIndex, qdrant'

/** What {@link work} gives where all is well. */
export const expected = 'a 32 true'

export const importing = `import { ${names} } from 'qontrast'\n${work}`
export const requiring = `const { ${names} } = require('qontrast')\n${work}`

export const moduleProgram = `${importing}
console.log(await work(process.argv[2] ?? './model'))
`
/** For bundlers that make CommonJS of it, which has no top-level await. */
export const bundledProgram = `${importing}
work(process.argv[2] ?? './model').then(console.log, (error) => {
  console.error(error.message)
  process.exitCode = 1
})
`
export const commonProgram = `${requiring}
work('./model').then(console.log)
`

export const typedProgram = `
import { eq, isQontrastError, loadEncoder, openIndex, qdrant, type Encoder, type Hit, type SearchIndex } from 'qontrast'
import { createApp, serve } from 'qontrast/server'

export async function search(text: string): Promise<readonly Hit[]> {
  const encoder: Encoder = await loadEncoder()
  const store = qdrant({ url: 'http://localhost:6333', collection: { shard_number: 2 }, search: { hnsw_ef: 64 } })
  const index = await openIndex({ name: 'docs', encoder, store, fields: { source: 'keyword' } })
  try {
    return await index.search(text, { limit: 3, filter: eq('source', 'CDC') })
  } catch (error) {
    if (isQontrastError(error, 'store-unavailable')) return []
    throw error
  }
}
export const app = (encoder: Encoder) => createApp({ indexes: { store: qdrant({ url: 'http://localhost' }), encoders: { default: encoder } } })
export { serve }
`

/** The contract suite on a store of somebody's own, by a runner of theirs. */
const suiteOn = `const open = async () => {
  const memory = emptyMemory()
  return { store: memoryStore(memory), reopen: async () => memoryStore(memory), dispose: async () => {} }
}
`
export const suiteOfVitest = `import { storeSuite } from 'qontrast/testing'
import * as vitest from 'vitest'
import { emptyMemory, memoryStore } from './memory-store.ts'
${suiteOn}storeSuite(vitest, { name: 'mine', open })
`
export const suiteOfNode = `import { afterEach, beforeEach, describe, test } from 'node:test'
import { expect } from 'expect'
import { storeSuite } from 'qontrast/testing'
import { emptyMemory, memoryStore } from './memory-store.ts'
${suiteOn}storeSuite({ afterEach, beforeEach, describe, test, expect }, { name: 'mine', open })
`

export const jestTest = `${importing}
import { jest, test, expect } from '@jest/globals'
import { runInNewContext } from 'node:vm'
jest.setTimeout(60_000)
test('indexes and searches', async () => {
  expect(await work('./model')).toBe('${expected}')
})
test('takes values of another realm', async () => {
  const encoder = await loadEncoder()
  const index = await openIndex({ name: 'realms', encoder, path: './realms' })
  await index.add(runInNewContext("[{ id: 'a', text: 'Ticks bite.', payload: { year: 2000 } }]"))
  const { data } = await encoder.encode(['tick'])
  const [hit] = await index.search({ vector: data })
  expect(hit.payload.year).toBe(2000)
  await expect(index.search('')).rejects.toMatchObject({ code: 'invalid-input' })
  await expect(openIndex({ name: 'absent', encoder, path: './realms' }).then((absent) => absent.search('x'))).rejects.toMatchObject({ code: 'index-not-found' })
})
`
export const vitestTest = jestTest
  .replace("import { jest, test, expect } from '@jest/globals'", "import { test, expect } from 'vitest'")
  .replace('jest.setTimeout(60_000)', '')
