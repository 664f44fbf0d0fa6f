import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eq, gte } from '../../src/index/filter/index.ts'
import { textContent } from '../../src/index/stores/content.ts'
import type { CollectionSchema, Point, StoreQuery, VectorStore } from '../../src/index/stores/store.ts'
import { createRandom, dot, type JsonObject, normalizeInPlace } from '../../src/shared/index.ts'

import { hostile } from '../support/filters.ts'

export interface StoreUnderTest {
  readonly store: VectorStore
  /** A second handle on the same data, as another process would have it. */
  reopen(): Promise<VectorStore>
  dispose(): Promise<void>
}

const schema: CollectionSchema = {
  dimensions: 8,
  encoder: { name: 'fixed', fingerprint: 'f'.repeat(32) },
  fields: { year: 'number', source: 'keyword', open: 'boolean' },
}
let random = createRandom(11)
const unit = () => normalizeInPlace(Float32Array.from({ length: 8 }, () => random() - 0.5))
const vectors = Array.from({ length: 64 }, unit)

function point(id: string, change: Partial<Point> = {}): Point {
  const number = Number(id.replace(/\D/g, '')) || 0
  return {
    id: `${id}#0`,
    documentId: id,
    chunk: 0,
    chunks: 1,
    hash: `hash of ${id}`,
    title: `Title ${id}`,
    content: words(`Text of ${id}`),
    payload: {},
    vector: vectors[number % vectors.length] ?? unit(),
    terms: [],
    ...change,
  }
}

const words = (text: string) => textContent(text, { end: 10 })

/** Says what every store does: run it on each implementation. Fixed vectors and ids, no encoder, no clock. */
export function describeVectorStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`VectorStore: ${name}`, () => {
    let subject: StoreUnderTest
    let store: VectorStore
    beforeEach(async () => {
      random = createRandom(12) // the same vectors whichever tests run
      subject = await open()
      store = subject.store
      await store.ensure('docs', schema)
    })
    afterEach(() => subject.dispose())

    const ids = (hits: readonly { point: { documentId: string } }[]) => hits.map((hit) => hit.point.documentId)
    const dense = (vector: Float32Array, rest: object = {}) =>
      store.query('docs', { mode: 'dense', vector, limit: 10, ...rest })

    test('dense search ranks by cosine, as plain arithmetic does', async () => {
      const points = Array.from({ length: 50 }, (_, i) => point(`d${i}`))
      await store.upsert('docs', points)
      const query = unit()
      const expected = points
        .map(({ id, vector }) => ({ id, score: dot(vector, query) }))
        .sort((a, b) => b.score - a.score)
      const hits = await dense(query)
      expect(hits.map((hit) => hit.point.id)).toEqual(expected.slice(0, 10).map(({ id }) => id))
      for (const [i, hit] of hits.entries()) expect(hit.score).toBeCloseTo(expected[i]?.score ?? 9, 5)
      const next = await dense(query, { offset: 10 })
      expect(next.map((hit) => hit.point.id)).toEqual(expected.slice(10, 20).map(({ id }) => id))
    })

    test('a search gives back everything that was put, verbatim', async () => {
      const payload: JsonObject = {
        nested: { list: [1, 'two', null, { three: 3 }] },
        text: hostile,
        empty: {},
        nothing: null,
      }
      const put = point('d1', {
        title: `T ${hostile.join('')}`,
        content: textContent(hostile.join('|'), { heading: 'A › B', line: 7, page: 3, start: 5, end: 9 }),
        payload,
      })
      await store.upsert('docs', [put, point('d2', { title: undefined })])
      const [hit] = await dense(put.vector)
      const { vector, terms, ...record } = put
      expect(hit?.point).toEqual(record)
      const [stored] = await store.get('docs', { ids: ['d1#0'] }, { vectors: true })
      expect(Array.from(stored?.vector ?? [])).toEqual(Array.from(vector))
      expect((await store.get('docs', { documents: ['d2'] }))[0]?.title).toBeUndefined()
    })

    test('ids may be any strings', async () => {
      const names = hostile.map((name, i) => `${name}${i}`)
      await store.upsert(
        'docs',
        names.map((name) => point(name)),
      )
      expect((await store.keys('docs', names)).map(({ documentId }) => documentId).sort()).toEqual([...names].sort())
      for (const name of names)
        expect((await store.get('docs', { documents: [name] })).map(({ documentId }) => documentId)).toEqual([name])
      expect(await store.delete('docs', { documents: [names[0] ?? ''] })).toBe(1)
      expect(await store.count('docs')).toBe(names.length - 1)
    })

    test('putting again replaces; of a repeated id the last counts', async () => {
      await store.upsert('docs', [point('d1', { content: words('first') }), point('d1', { content: words('second') })])
      expect((await store.get('docs', { ids: ['d1#0'] })).map(({ content }) => content.text)).toEqual(['second'])
      await store.upsert('docs', [point('d1', { content: words('third'), payload: { source: 'x' } }), point('d2')])
      expect(await store.count('docs')).toBe(2)
      expect((await store.get('docs', { ids: ['d1#0'] })).map(({ content }) => content.text)).toEqual(['third'])
      expect(await store.count('docs', { filter: eq('source', 'x') })).toBe(1)
    })

    test('bm25 finds terms, rarer ones weighing more, also right after they were put', async () => {
      await store.upsert('docs', [
        point('d1', { terms: ['common', 'rare'] }),
        point('d2', { terms: ['common', 'common'] }),
        point('d3', { terms: ['common'] }),
        point('d4', { terms: ['other'] }),
      ])
      const search = (...terms: string[]) => store.query('docs', { mode: 'bm25', terms, limit: 10 })
      expect(ids(await search('rare'))).toEqual(['d1'])
      expect(ids(await search('common', 'rare'))[0]).toBe('d1')
      expect(ids(await search('common')).sort()).toEqual(['d1', 'd2', 'd3'])
      expect(await search('absent')).toEqual([])
      expect(await search()).toEqual([])
      await store.optimize('docs')
      await store.upsert('docs', [point('d5', { terms: ['late', '\u6771\u4eac'] })])
      expect(ids(await search('late'))).toEqual(['d5'])
      expect(ids(await search('\u6771\u4eac'))).toEqual(['d5'])
      expect(ids(await search('rare'))).toEqual(['d1'])
    })

    test('hybrid fuses both rankings by reciprocal rank where asked to', async () => {
      const query = vectors[1] ?? unit()
      await store.upsert('docs', [
        point('d1', { terms: ['x'], vector: query }),
        point('d2', { terms: ['y'], vector: vectors[2] ?? unit() }),
        point('d3', { terms: [], vector: vectors[3] ?? unit() }),
      ])
      const hits = await store.query('docs', { mode: 'hybrid', fusion: 'rrf', vector: query, terms: ['x'], limit: 10 })
      expect(hits[0]?.point.documentId).toBe('d1')
      expect(hits[0]?.score).toBeCloseTo(2 / 61, 6)
      expect(hits).toHaveLength(3)
      expect(hits[1]?.score).toBeCloseTo(1 / 62, 6)
    })

    /** 700 points: more than are candidates of either side; half of them have some of the words. */
    const putMany = () =>
      store.upsert(
        'docs',
        Array.from({ length: 700 }, (_, i) =>
          point(`d${i >> 1}`, {
            id: `d${i >> 1}#${i % 2}`,
            chunk: i % 2,
            chunks: 2,
            vector: unit(),
            payload: { year: 2000 + (i % 7) },
            terms: [`w${i % 3}`, `v${i % 11}`, ...(i % 2 === 0 ? ['even'] : []), ...Array(i % 5).fill('fill')],
          }),
        ),
      )

    test('hits of hybrid tell both scores, whichever side found them, as each side does by itself', async () => {
      await putMany()
      const [vector, terms] = [unit(), ['even', 'v3']]
      const all = { limit: 700 } as const
      const cosines = new Map(
        (await store.query('docs', { mode: 'dense', vector, ...all })).map(({ point: { id }, scores }) => [id, scores]),
      )
      const words = new Map(
        (await store.query('docs', { mode: 'bm25', terms, ...all })).map(({ point: { id }, scores }) => [id, scores]),
      )
      for (const scores of cosines.values()) expect(Object.keys(scores)).toEqual(['dense'])
      for (const scores of words.values()) expect(Object.keys(scores)).toEqual(['bm25'])
      const found = await store.query('docs', { mode: 'hybrid', vector, terms, limit: 300 })
      expect(found).toHaveLength(300)
      expect(found.some(({ point: { id } }) => !words.has(id))).toBe(true)
      for (const { point: hit, scores } of found) {
        expect(scores.dense).toBeCloseTo(cosines.get(hit.id)?.dense ?? 9, 5)
        expect(scores.bm25).toBeCloseTo(words.get(hit.id)?.bm25 ?? 0, 4)
      }
    })

    test('pages of a search agree, in every mode, grouped or not, however deep', async () => {
      await putMany()
      const [vector, terms] = [unit(), ['even', 'v3']]
      const searches = [
        { mode: 'hybrid', vector, terms },
        { mode: 'hybrid', fusion: 'rrf', vector, terms },
        { mode: 'dense', vector },
        { mode: 'bm25', terms },
      ] as const
      for (const search of searches) {
        for (const groupByDocument of [false, true]) {
          const ask = async (offset: number, limit: number) =>
            (await store.query('docs', { ...search, groupByDocument, offset, limit })).map(
              ({ point: { id }, score }) => [id, score] as const,
            )
          const whole = await ask(0, 320)
          const pages = (await Promise.all([ask(0, 10), ask(10, 10), ask(20, 230), ask(250, 70)])).flat()
          expect(pages.map(([id]) => id)).toEqual(whole.map(([id]) => id))
          expect(whole.map(([, score]) => score)).toEqual(whole.map(([, score]) => score).toSorted((a, b) => b - a))
        }
      }
    })

    test('points below a bound are left out before pages are cut, by either score', async () => {
      await putMany()
      const [vector, terms] = [unit(), ['even', 'v3']]
      const hybrid = { mode: 'hybrid', vector, terms, limit: 700 } as const
      const all = await store.query('docs', hybrid)
      for (const minScores of [{ dense: 0.3 }, { bm25: 0.01 }, { dense: 0.1, bm25: 0.01 }]) {
        const kept = all.filter(
          ({ scores: { dense: cosine = -1, bm25 = -1 } }) =>
            cosine >= (minScores.dense ?? -1) && bm25 >= (minScores.bm25 ?? -1),
        )
        const found = await store.query('docs', { ...hybrid, minScores })
        expect(kept.length).toBeGreaterThan(0)
        expect(kept.length).toBeLessThan(all.length)
        expect(found.map(({ point: { id } }) => id)).toEqual(kept.map(({ point: { id } }) => id))
        const page = await store.query('docs', { ...hybrid, minScores, offset: 5, limit: 5 })
        expect(page.map(({ point: { id } }) => id)).toEqual(found.slice(5, 10).map(({ point: { id } }) => id))
      }
      const near = await store.query('docs', { mode: 'dense', vector, limit: 700, minScores: { dense: 0.5 } })
      expect(near.every(({ score }) => score >= 0.5)).toBe(true)
    })

    test('many queries together give what each gives alone', async () => {
      await putMany()
      const shared = gte('year', 2004)
      const queries: StoreQuery[] = [
        ...Array.from({ length: 12 }, () => ({ mode: 'dense', vector: unit(), limit: 10 }) as const),
        ...Array.from(
          { length: 12 },
          (_, i) =>
            ({
              mode: 'dense',
              vector: unit(),
              limit: 7,
              offset: i,
              groupByDocument: i % 2 === 0,
              filter: shared,
            }) as const,
        ),
        { mode: 'dense', vector: unit(), limit: 5, minScores: { dense: 0.6 } },
        { mode: 'dense', vector: unit(), limit: 5, exact: true, filter: eq('year', 1) },
        { mode: 'bm25', terms: ['even', 'v4'], limit: 9, groupByDocument: true },
        { mode: 'bm25', terms: [], limit: 9 },
        { mode: 'hybrid', vector: unit(), terms: ['w1'], limit: 12, filter: shared },
      ]
      const together = await store.queryMany('docs', queries)
      expect(together).toHaveLength(queries.length)
      for (const [i, query] of queries.entries()) {
        const alone = await store.query('docs', query)
        expect(together[i]?.map((hit) => hit.point)).toEqual(alone.map((hit) => hit.point))
        for (const [at, { score, scores }] of alone.entries()) {
          expect(together[i]?.[at]?.score).toBeCloseTo(score, 5)
          expect(Object.keys(together[i]?.[at]?.scores ?? {})).toEqual(Object.keys(scores))
        }
      }
      expect(await store.queryMany('docs', [])).toEqual([])
    })

    test('equal scores are ordered by id', async () => {
      const vector = unit()
      await store.upsert(
        'docs',
        ['d3', 'd1', 'd4', 'd2'].map((id) => point(id, { vector, terms: ['same'] })),
      )
      expect(ids(await dense(vector))).toEqual(['d1', 'd2', 'd3', 'd4'])
      expect(ids(await store.query('docs', { mode: 'bm25', terms: ['same'], limit: 9 }))).toEqual([
        'd1',
        'd2',
        'd3',
        'd4',
      ])
    })

    test('equal texts come once each, page by page, in the order of their ids, in every mode', async () => {
      const vector = unit()
      const equal = Array.from({ length: 120 }, (_, i) => point(`d${i}`, { vector, terms: ['same', 'words'] }))
      const others = Array.from({ length: 30 }, (_, i) => point(`e${i}`, { vector: unit(), terms: ['same'] }))
      await store.upsert('docs', [...others, ...equal])
      const expected = equal.map(({ id }) => id).sort()
      const terms = ['same', 'words']
      const searches = [
        { mode: 'dense', vector },
        { mode: 'bm25', terms },
        { mode: 'hybrid', vector, terms },
        { mode: 'hybrid', fusion: 'rrf', vector, terms },
      ] as const
      for (const search of searches) {
        for (const groupByDocument of [false, true]) {
          const pages = Array.from({ length: 12 }, (_, i) => ({
            ...search,
            groupByDocument,
            offset: i * 10,
            limit: 10,
          }))
          const found = (await store.queryMany('docs', pages)).flat()
          expect(found.map(({ point: { id } }) => id)).toEqual(expected)
          const [alone] = await store.query('docs', { ...search, groupByDocument, offset: 70, limit: 1 })
          expect(alone?.point.id).toBe(expected[70])
        }
      }
    })

    test('numbers come back as they were, however large, and are found', async () => {
      const numbers = [2 ** 53 - 1, 2 ** 53, 2 ** 60, -(2 ** 62), 2 ** 63, 2 ** 64, 1e21, 1e300, 5e-324, 0.1]
      const payload = { numbers, digits: '9007199254740993', nested: { of: [[2 ** 55]] } }
      await store.upsert('docs', [point('d1', { payload }), point('d2', { payload: { year: 2 ** 54 } })])
      expect((await store.get('docs', { documents: ['d1'] }))[0]?.payload).toEqual(payload)
      for (const number of numbers) expect(await store.count('docs', { filter: eq('numbers', number) })).toBe(1)
      expect(await store.count('docs', { filter: eq('digits', '9007199254740993') })).toBe(1)
      expect(await store.count('docs', { filter: eq('year', 2 ** 54) })).toBe(1)
    })

    test('once a signal has fired, no call does anything', async () => {
      await store.upsert('docs', [point('d1')])
      const controller = new AbortController()
      const bound = store.within(controller.signal)
      expect(await bound.count('docs')).toBe(1)
      controller.abort('enough')
      const query: StoreQuery = { mode: 'dense', vector: unit(), limit: 1 }
      const calls = [
        () => bound.ensure('more', schema),
        () => bound.list(),
        () => bound.info('docs'),
        () => bound.schema('docs'),
        () => bound.drop('docs'),
        () => bound.upsert('docs', [point('d2')]),
        () => bound.get('docs', { ids: ['d1#0'] }),
        () => bound.keys('docs', ['d1']),
        () => bound.delete('docs', { ids: ['d1#0'] }),
        () => bound.query('docs', query),
        () => bound.queryMany('docs', [query]),
        () => bound.count('docs'),
        () => bound.scroll('docs'),
        () => bound.scrollKeys('docs'),
        () => bound.markSeen('docs', ['d1'], 1),
        () => bound.aliases(),
        () => bound.alias('live', 'docs'),
        () => bound.optimize('docs'),
        () => bound.within(new AbortController().signal).count('docs'),
      ]
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
      expect(await store.list()).toEqual(['docs'])
      expect(await store.count('docs')).toBe(1)
      expect((await store.aliases()).size).toBe(0)
    })

    test('grouping keeps the best chunk of each document and still fills the page', async () => {
      const query = unit()
      const many = Array.from({ length: 60 }, (_, chunk) =>
        point('d1', { id: `d1#${chunk}`, chunk, chunks: 60, vector: query }),
      )
      const others = Array.from({ length: 12 }, (_, i) => point(`e${i + 1}`))
      await store.upsert('docs', [...many, ...others])
      const hits = await dense(query, { groupByDocument: true, limit: 8 })
      expect(hits).toHaveLength(8)
      expect(new Set(ids(hits)).size).toBe(8)
      expect(hits[0]?.point.documentId).toBe('d1')
      const page = await dense(query, { groupByDocument: true, limit: 20 })
      expect(page).toHaveLength(13)
      expect(await store.count('docs', { unit: 'documents' })).toBe(13)
      expect(await store.count('docs')).toBe(72)
    })

    test('keys and get tell a document’s chunks, in order', async () => {
      const chunks = [2, 0, 1].map((chunk) => point('d1', { id: `d1#${chunk}`, chunk, chunks: 3 }))
      await store.upsert('docs', [...chunks, point('d2')])
      expect((await store.get('docs', { documents: ['d1'] })).map(({ chunk }) => chunk)).toEqual([0, 1, 2])
      const keys = await store.keys('docs', ['d1', 'd9'])
      expect(keys.map(({ chunk }) => chunk).sort()).toEqual([0, 1, 2])
      expect(keys[0]).toMatchObject({ documentId: 'd1', chunks: 3, hash: 'hash of d1' })
      expect(await store.keys('docs', [])).toEqual([])
      expect(await store.get('docs', { ids: [] })).toEqual([])
    })

    test('delete takes what is selected and nothing else', async () => {
      await store.upsert(
        'docs',
        Array.from({ length: 10 }, (_, i) => point(`d${i}`, { payload: { year: 2000 + i } })),
      )
      expect(await store.delete('docs', { ids: ['d0#0', 'd99#0'] })).toBe(1)
      expect(await store.delete('docs', { documents: ['d1', 'd2'] })).toBe(2)
      expect(await store.delete('docs', { filter: gte('year', 2008) })).toBe(2)
      expect(await store.delete('docs', { ids: [] })).toBe(0)
      const left = await store.scroll('docs')
      expect(left.points.map(({ documentId }) => documentId).sort()).toEqual(['d3', 'd4', 'd5', 'd6', 'd7'])
    })

    test('scroll gives every point that stays exactly once, also while others come and go', async () => {
      await store.upsert(
        'docs',
        Array.from({ length: 25 }, (_, i) => point(`d${10 + i}`, { payload: { even: i % 2 === 0 } })),
      )
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.scroll('docs', { limit: 7, ...(cursor === undefined ? {} : { cursor }) })
        seen.push(...page.points.map(({ documentId }) => documentId))
        cursor = page.cursor
        await store.upsert('docs', [point(`z${seen.length}`)])
        await store.delete('docs', { ids: [`d${34 - seen.length}#0`] })
      } while (cursor !== undefined && seen.length < 100)
      const stayed = (await store.scroll('docs', { limit: 100 })).points
        .map(({ documentId }) => documentId)
        .filter((id) => id.startsWith('d'))
      for (const id of stayed) expect(seen.filter((other) => other === id)).toEqual([id])
      const filtered = await store.scroll('docs', { filter: eq('even', true), vectors: true })
      expect(filtered.points.every(({ payload, vector }) => payload['even'] === true && vector?.length === 8)).toBe(
        true,
      )
    })

    test('an alias names a collection, moves in one step and needs no copy', async () => {
      await store.ensure('next', schema)
      await store.upsert('docs', [point('d1')])
      await store.upsert('next', [point('n1'), point('n2')])
      await store.alias('live', 'docs')
      expect(await store.count('live')).toBe(1)
      await store.alias('live', 'next')
      expect(await store.count('live')).toBe(2)
      expect((await (await subject.reopen()).info('live'))?.name).toBe('next')
      await expect(store.alias('docs', 'next')).rejects.toMatchObject({ code: 'invalid-option' })
      await expect(store.alias('live', 'absent')).rejects.toMatchObject({ code: 'index-not-found' })
    })

    test('aliases are told with their collections, taken away, and none of them is a collection', async () => {
      await store.alias('live', 'docs')
      await store.alias('live.next', 'docs')
      expect(new Map(await (await subject.reopen()).aliases())).toEqual(
        new Map([
          ['live', 'docs'],
          ['live.next', 'docs'],
        ]),
      )
      expect(await store.list()).toEqual(['docs'])
      await store.alias('live.next', undefined)
      await store.alias('absent', undefined)
      expect([...(await store.aliases()).keys()]).toEqual(['live'])
      expect(await store.info('live.next')).toBeUndefined()
      await expect(store.count('live.next')).rejects.toMatchObject({ code: 'index-not-found' })
    })

    test('every call takes an alias for its collection, and an alias of nothing names nothing', async () => {
      await store.alias('live', 'docs')
      await store.ensure('live', schema)
      await store.upsert('live', [point('d1', { terms: ['x'] }), point('d2')])
      await store.markSeen('live', ['d1'], 5)
      expect((await store.scroll('live', { seenBefore: 5 })).points.map(({ documentId }) => documentId)).toEqual(['d2'])
      expect((await store.scrollKeys('live')).keys).toHaveLength(2)
      expect(await store.keys('live', ['d1'])).toHaveLength(1)
      expect(await store.query('live', { mode: 'bm25', terms: ['x'], limit: 3 })).toHaveLength(1)
      expect(await store.delete('live', { documents: ['d1'] })).toBe(1)
      await store.drop('docs')
      expect(await store.info('live')).toBeUndefined()
      await expect(store.count('live')).rejects.toMatchObject({ code: 'index-not-found' })
    })

    test('scrolling keys gives those of every point once', async () => {
      await store.upsert(
        'docs',
        Array.from({ length: 25 }, (_, i) => point(`d${10 + i}`)),
      )
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.scrollKeys('docs', { limit: 7, ...(cursor === undefined ? {} : { cursor }) })
        for (const key of page.keys) {
          expect(Object.keys(key).sort()).toEqual(['chunk', 'chunks', 'documentId', 'hash', 'id'])
          seen.push(key.id)
        }
        cursor = page.cursor
      } while (cursor !== undefined && seen.length < 100)
      expect(seen.sort()).toEqual(Array.from({ length: 25 }, (_, i) => `d${10 + i}#0`))
    })

    test('what was seen before a moment is told from what was put or seen since', async () => {
      const unseen = async (moment: number, limit = 100) => {
        const found: string[] = []
        let cursor: string | undefined
        do {
          const page = await store.scroll('docs', {
            seenBefore: moment,
            limit,
            ...(cursor === undefined ? {} : { cursor }),
          })
          found.push(...page.points.map(({ id }) => id))
          cursor = page.cursor
        } while (cursor !== undefined)
        return found.sort()
      }
      const chunks = [0, 1, 2].map((chunk) => point('d1', { id: `d1#${chunk}`, chunk, chunks: 3, seen: 100 }))
      await store.upsert('docs', [...chunks, point('d2', { seen: 200 }), point('d3')])
      expect(await unseen(100)).toEqual(['d3#0'])
      expect(await unseen(200)).toEqual(['d1#0', 'd1#1', 'd1#2', 'd3#0'])
      await store.markSeen('docs', ['d1', 'd1', `it's absent`], 300)
      await store.markSeen('docs', [], 900)
      expect(await unseen(300)).toEqual(['d2#0', 'd3#0'])
      expect(await unseen(300, 1)).toEqual(['d2#0', 'd3#0'])
      await store.markSeen('docs', ['d1', 'd3'], 250) // the later mark of d1 stays
      expect(await unseen(250)).toEqual(['d2#0'])
      expect(await unseen(300)).toEqual(['d2#0', 'd3#0'])
      await store.upsert('docs', [point('d3', { seen: 300 })])
      expect(await unseen(300)).toEqual(['d2#0'])
      await store.optimize('docs')
      expect(await unseen(300)).toEqual(['d2#0'])
      const [stored] = await store.get('docs', { documents: ['d1'] }, { vectors: true })
      expect(Array.from(stored?.vector ?? [])).toEqual(Array.from(chunks[0]?.vector ?? []))
      await Promise.all([1, 2, 3].map(async (i) => (await subject.reopen()).markSeen('docs', ['d2'], 300 + i)))
      expect(await unseen(304)).toEqual(['d1#0', 'd1#1', 'd1#2', 'd2#0', 'd3#0'])
      expect(await unseen(303)).toEqual(['d1#0', 'd1#1', 'd1#2', 'd3#0'])
    })

    test('another handle sees what was written, at once', async () => {
      const other = await subject.reopen()
      await store.upsert('docs', [point('d1')])
      expect(await other.count('docs')).toBe(1)
      await other.upsert('docs', [point('d2')])
      expect(await store.count('docs')).toBe(2)
      expect(await other.info('docs')).toMatchObject({ name: 'docs', points: 2, schema })
    })

    test('collections are listed, described and dropped', async () => {
      await store.ensure('more', { ...schema, fields: {} })
      expect(await store.list()).toEqual(['docs', 'more'])
      expect(await store.info('absent')).toBeUndefined()
      await store.upsert('more', [point('d1')])
      await store.drop('more')
      expect(await store.list()).toEqual(['docs'])
      await expect(store.count('more')).rejects.toMatchObject({ code: 'index-not-found' })
      await expect(store.drop('more')).rejects.toMatchObject({ code: 'index-not-found' })
      await store.ensure('more', schema)
      expect(await store.count('more')).toBe(0)
    })

    test('a collection is opened with the encoder and the fields it was made with', async () => {
      await store.ensure('docs', schema)
      const other = { ...schema, encoder: { name: 'other', fingerprint: 'e'.repeat(32) } }
      await expect(store.ensure('docs', other)).rejects.toMatchObject({
        code: 'encoder-mismatch',
        message: expect.stringMatching(/fixed.*other.*qontrast reindex/s),
      })
      await expect(store.ensure('docs', { ...schema, dimensions: 9 })).rejects.toMatchObject({
        code: 'dimension-mismatch',
      })
      await expect(store.ensure('docs', { ...schema, fields: { year: 'keyword' } })).rejects.toMatchObject({
        code: 'invalid-option',
      })
      await expect(store.ensure('a/b', schema)).rejects.toMatchObject({ code: 'invalid-option' })
      await expect(store.ensure('../up', schema)).rejects.toMatchObject({ code: 'invalid-option' })
    })

    test('a wrong vector or field is refused before anything is written', async () => {
      const wrong = [
        { change: { vector: new Float32Array(7) }, code: 'dimension-mismatch' },
        { change: { vector: Float32Array.from({ length: 8 }, () => Number.NaN) }, code: 'invalid-input' },
        { change: { payload: { year: 'soon' } }, code: 'invalid-input' },
        { change: { payload: { source: 3 } }, code: 'invalid-input' },
        { change: { payload: { open: 'yes' } }, code: 'invalid-input' },
      ]
      for (const { change, code } of wrong) {
        await expect(store.upsert('docs', [point('d1'), point('d2', change)])).rejects.toMatchObject({ code })
      }
      expect(await store.count('docs')).toBe(0)
    })

    test('many small writes at once all arrive, and maintenance loses none', async () => {
      await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          store.upsert('docs', [point(`d${i}`, { terms: [`t${i}`] }), point('same')]),
        ),
      )
      await store.optimize('docs')
      await store.optimize('docs')
      expect(await store.count('docs')).toBe(13)
      for (let i = 0; i < 12; i++)
        expect(ids(await store.query('docs', { mode: 'bm25', terms: [`t${i}`], limit: 3 }))).toEqual([`d${i}`])
    })
  })
}
