import { afterAll, describe, expect, test } from 'vitest'
import { and, contains, eq, type Filter, gte, lt, not, oneOf, or } from '../../../src/index/filter/index.ts'
import { lancedb } from '../../../src/index/stores/lancedb.ts'
import { qdrant } from '../../../src/index/stores/qdrant.ts'
import type { ScoredPoint, StoreQuery } from '../../../src/index/stores/store.ts'
import { createRandom } from '../../../src/shared/index.ts'
import { seededPoints, seededSchema } from '../../support/points.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const subject = await openQdrant('both')
if (!subject) console.log('skipped: both stores side by side: no server and no recording')
afterAll(() => subject?.close())

const dimensions = 12
const random = createRandom(5)
/** Texts of 5 to 300 words, a few of which are frequent. */
const points = seededPoints(300, dimensions, 3).map((point) => ({
  ...point,
  terms: Array.from({ length: 5 + Math.floor(295 * random() ** 2) }, () =>
    random() < 0.1 ? 'common' : `w${Math.floor(100 * random() ** 2)}`,
  ),
}))
const queries = seededPoints(308, dimensions)
  .slice(300)
  .map(({ vector }) => vector)

describe.skipIf(!subject)('LanceDB and Qdrant', () => {
  test('give the same ids to the same searches, words, filters, groups and walks', async () => {
    await subject?.begin(expect.getState().currentTestName ?? '')
    const stores = [lancedb({ path: await temporaryFolder() }), qdrant({ url: subject?.url ?? '' })]
    for (const store of stores) {
      await store.ensure('docs', seededSchema(dimensions))
      await store.upsert('docs', points)
    }
    const same = async (ask: (store: (typeof stores)[number]) => Promise<unknown>) => {
      const [embedded, server] = await Promise.all(stores.map(ask))
      expect(server).toEqual(embedded)
    }
    const ids = (hits: readonly ScoredPoint[]) => hits.map(({ point }) => point.id)
    const filters: Filter[] = [
      eq('source', 's1'),
      oneOf('year', [2001, 2005, 2010]),
      and(gte('year', 2004), lt('year', 2012), not(eq('tags', 't2'))),
      or(contains('source', '2'), eq('tags', 't4')),
    ]
    for (const vector of queries) {
      const dense: StoreQuery = { mode: 'dense', vector, limit: 20 }
      await same(async (store) => ids(await store.query('docs', dense)))
      await same(async (store) => ids(await store.query('docs', { ...dense, offset: 20 })))
      await same(async (store) => ids(await store.query('docs', { ...dense, groupByDocument: true })))
      for (const filter of filters) await same(async (store) => ids(await store.query('docs', { ...dense, filter })))
    }
    for (const first of ['common', 'w1', 'w7', 'w30']) {
      for (const second of ['w2', 'w3', 'w50']) {
        const words: StoreQuery = { mode: 'bm25', terms: [first, second], limit: 10 }
        await same(async (store) => ids(await store.query('docs', words)))
      }
    }
    for (const filter of filters) {
      await same((store) => store.count('docs', { filter }))
      await same(async (store) => (await store.scroll('docs', { filter })).points.map(({ id }) => id).sort())
    }
    await same(async (store) => (await store.scroll('docs')).points.map(({ id }) => id).sort())
    await Promise.all(stores.map((store) => store.close()))
    await subject?.end()
  })
})
