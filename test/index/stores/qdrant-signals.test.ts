import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { qdrant } from '../../../src/index/stores/qdrant.ts'
import {
  copyIndex,
  type Encoder,
  findDuplicates,
  lancedb,
  loadEncoder,
  openIndex,
  reindex,
  reportOf,
  type SearchIndex,
  type VectorStore,
} from '../../../src/main.ts'
import { type FaultyProxy, startFaultyProxy } from '../../support/faulty-proxy.ts'
import { seededPoints } from '../../support/points.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const subject = await openQdrant('signals')
if (!subject) console.log('skipped: signals on a Qdrant server: no server and no recording')
afterAll(() => subject?.close())

/** Calls under a signal. */
const calls: Readonly<
  Record<string, (at: { index: SearchIndex; store: VectorStore; signal: AbortSignal }) => Promise<unknown>>
> = {
  search: ({ index, signal }) => index.search('asthma', { signal }),
  'search by words': ({ index, signal }) => index.search('asthma', { mode: 'bm25', signal }),
  searchMany: ({ index, signal }) => index.searchMany(['asthma', 'ticks'], { mode: 'dense', signal }),
  searchLike: ({ index, signal }) => index.searchLike('d1', { signal }),
  get: ({ index, signal }) => index.get(['d1'], { signal }),
  count: ({ index, signal }) => index.count({ year: { gte: 2000 } }, { signal }),
  delete: ({ index, signal }) => index.delete(['d1'], { signal }),
  info: ({ index, signal }) => index.info({ signal }),
  scroll: ({ index, signal }) => Array.fromAsync(index.scroll({ signal })),
  add: ({ index, signal }) => index.add([{ id: 'new', text: 'Asthma.' }], { signal }),
  findDuplicates: ({ store, signal }) => findDuplicates({ store, index: 'docs', signal }),
  copyIndex: async ({ store, signal }) =>
    copyIndex({
      from: { store, index: 'docs' },
      to: { store: lancedb({ path: await temporaryFolder() }), index: 'copy' },
      signal,
    }),
}

describe.skipIf(!subject)('a server that does not answer', () => {
  let proxy: FaultyProxy
  let store: VectorStore
  let encoder: Encoder
  let index: SearchIndex
  beforeEach(async () => {
    await subject?.begin(expect.getState().currentTestName ?? '')
    proxy = await startFaultyProxy(subject?.url ?? '')
    store = qdrant({ url: proxy.url })
    encoder = await loadEncoder()
    const { name, fingerprint, dimensions } = encoder
    await store.ensure('docs', { dimensions, encoder: { name, fingerprint }, fields: {} })
    await store.upsert('docs', seededPoints(3, dimensions))
    index = await openIndex({ name: 'docs', encoder, store })
  })
  afterEach(async () => {
    await index.close()
    await store.close()
    await encoder.close()
    await proxy.stop()
    await subject?.end()
  })

  test.each(Object.keys(calls))('%s ends with its signal, and breaks its request off', async (name) => {
    const { came, brokenOff } = proxy.hold()
    const controller = new AbortController()
    const ended = calls[name]?.({ index, store, signal: controller.signal })
    const refused = expect(ended).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
    await came
    controller.abort('enough')
    await refused
    await store.close() // what no signal was given to would go on
    if (name !== 'add') await brokenOff
  })

  test('a re-index ends with its signal', async () => {
    await using other = await loadEncoder(encoder.name, { dimensions: 64 })
    const { came } = proxy.hold()
    const controller = new AbortController()
    const refused = expect(
      reindex({ store, index: 'docs', encoder: other, signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'aborted' })
    await came
    controller.abort()
    await refused
  })

  test('what waits to be tried again ends with its signal', async () => {
    const controller = new AbortController()
    const slow = { status: 429, headers: { 'retry-after': '9' }, body: { status: { error: 'Rate limiting exceeded' } } }
    proxy.faults.push(slow)
    const counted = store.within(controller.signal).count('docs')
    const refused = expect(counted).rejects.toMatchObject({ code: 'aborted' })
    while (proxy.faults.length > 0) await new Promise(setImmediate)
    controller.abort()
    await refused
  })

  test('an add that is stopped tells what was stored', async () => {
    const controller = new AbortController()
    const adding = index.add([{ id: 'new', text: 'Asthma.' }], { signal: controller.signal })
    proxy.hold().came.then(() => controller.abort())
    const error: unknown = await adding.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'aborted' })
    expect(reportOf(error)).toMatchObject({ added: 0 })
  })
})
