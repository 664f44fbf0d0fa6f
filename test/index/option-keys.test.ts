import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../src/api/index.ts'
import {
  adamW,
  copyIndex,
  dropOldIndex,
  type Encoder,
  finetune,
  infoNce,
  knnEvaluator,
  lancedb,
  listIndexes,
  loadEncoder,
  openIndex,
  qdrant,
  readDocuments,
  readPairs,
  reindex,
  retrievalEvaluator,
  rollbackIndex,
  type SearchIndex,
  sgd,
  undoUpgrade,
  upgradeIndex,
  type VectorStore,
} from '../../src/main.ts'
import { temporaryFolder } from '../support/temporary.ts'

let encoder: Encoder
let store: VectorStore
let index: SearchIndex
beforeAll(async () => {
  encoder = await loadEncoder()
  store = lancedb({ path: await temporaryFolder() })
  index = await openIndex({ name: 'docs', encoder, store })
  await index.add([{ id: 'a', text: 'Asthma is treated with inhalers.', payload: { year: 2000 } }])
})
afterAll(async () => {
  await index.close()
  await store.close()
  await encoder.close()
})

/** A key that no call has, past the compiler. */
const unknown: object = { nope: 1 }
const first = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events) return
}

/** Every call of the package that takes options, and what its options go by in the message. */
const calls: Readonly<Record<string, () => unknown>> = {
  openIndex: () => openIndex({ name: 'docs', encoder, store, ...unknown }),
  loadEncoder: () => loadEncoder('default', unknown),
  encode: () => encoder.encode(['a'], unknown),
  add: () => index.add([], unknown),
  'add: chunk': () => index.add([], { chunk: unknown }),
  'add: shard': () => index.add([], { shard: { number: 1, of: 1, ...unknown } }),
  'add: prune': () => index.add([], { prune: { keep: () => true, ...unknown } }),
  search: () => index.search('asthma', unknown),
  'search (many)': () => index.searchMany(['asthma'], unknown),
  'search (like)': () => index.searchLike('a', unknown),
  scroll: () => first(index.scroll(unknown)),
  delete: () => index.delete({ filter: { year: 2000 }, ...unknown }),
  reindex: () => reindex({ store, index: 'docs', encoder, ...unknown }),
  rollbackIndex: () => rollbackIndex({ store, index: 'docs', ...unknown }),
  dropOldIndex: () => dropOldIndex({ store, index: 'docs', ...unknown }),
  upgradeIndex: () => upgradeIndex({ store, index: 'docs', encoder, ...unknown }),
  undoUpgrade: () => undoUpgrade({ store, index: 'docs', ...unknown }),
  copyIndex: () => copyIndex({ from: { store, index: 'docs' }, to: { store, index: 'copy' }, ...unknown }),
  'copyIndex: from': () => copyIndex({ from: { store, index: 'docs', ...unknown }, to: { store, index: 'copy' } }),
  'copyIndex: to': () => copyIndex({ from: { store, index: 'docs' }, to: { store, index: 'copy', ...unknown } }),
  lancedb: () => lancedb({ path: 'nowhere', ...unknown }),
  'lancedb (list)': () => listIndexes({ path: 'nowhere', ...unknown }),
  qdrant: () => qdrant({ url: 'http://localhost:6333', ...unknown }),
  'qdrant: foreign': () => qdrant({ url: 'http://localhost:6333', foreign: unknown }),
  readDocuments: () => first(readDocuments('README.md', unknown)),
  readPairs: () => readPairs('pairs.jsonl', unknown),
  finetune: () => first(finetune({ model: 'm', pairs: [], out: 'o', ...unknown })),
  infoNce: () => infoNce(unknown),
  adamW: () => adamW(unknown),
  sgd: () => sgd(unknown),
  retrievalEvaluator: () =>
    retrievalEvaluator({ documents: new Map(), queries: new Map(), relevance: new Map() }, unknown),
  knnEvaluator: () => knnEvaluator({ train: [], test: [] }, unknown),
  createApp: () => createApp({ indexes: { store, encoders: { default: encoder } }, ...unknown }),
  'createApp: indexes': () => createApp({ indexes: { store, encoders: { default: encoder }, ...unknown } }),
}

describe('a key that is none is an error that names it', () => {
  test.each(Object.entries(calls))('%s', async (name, call) => {
    const failure = await Promise.resolve()
      .then(call)
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining(`${name.replace(/ \(.*/, '')} has no option "nope". It has `),
    })
  })
})

describe('an index that cannot be opened', () => {
  const rule = "An index is named by 1 to 64 letters, digits, '-' and '_', beginning with a letter or digit; got "

  test.each([['a b'], ['../docs'], ['a.b'], [''], ['-a'], ['x'.repeat(65)], ['ä']])(
    'is told the rule of names: %j',
    async (name) => {
      const refused = { code: 'invalid-option', message: expect.stringContaining(rule) }
      await expect(openIndex({ name, encoder, store })).rejects.toMatchObject(refused)
      const copy = copyIndex({ from: { store, index: 'docs' }, to: { store, index: name } })
      await expect(copy).rejects.toMatchObject(refused)
      const app = createApp({ indexes: { store, encoders: { default: encoder } } })
      const answer = await app.request('/v1/indexes', {
        method: 'POST',
        headers: { 'content-type': 'application/json', host: 'localhost' },
        body: JSON.stringify({ name }),
      })
      expect(answer.status).toBe(422)
      expect(await answer.json()).toMatchObject({ detail: expect.stringContaining(rule) })
    },
  )

  test('is told that an encoder has to be awaited', async () => {
    const promised = loadEncoder()
    // @ts-expect-error a promise is no encoder
    await expect(openIndex({ name: 'docs', encoder: promised, store })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('await loadEncoder()'),
    })
    await (await promised).close()
  })
})
