import { dot } from '../../shared/index.ts'
import type { StoreTests } from '../runner.ts'
import { dense, idsOf as ids, point, unit, vectors } from './points.ts'

/** How points are ranked by one side, and by both. */
export function rankingTests({ test, expect, at }: StoreTests): void {
  test('dense search ranks by cosine, as plain arithmetic does', async () => {
    const points = Array.from({ length: 50 }, (_, i) => point(`d${i}`))
    await at.store.upsert('docs', points)
    const query = unit()
    const expected = points
      .map(({ id, vector }) => ({ id, score: dot(vector, query) }))
      .sort((a, b) => b.score - a.score)
    const hits = await dense(at, query)
    expect(hits.map((hit) => hit.point.id)).toEqual(expected.slice(0, 10).map(({ id }) => id))
    for (const [i, hit] of hits.entries()) expect(hit.score).toBeCloseTo(expected[i]?.score ?? 9, 5)
    const next = await dense(at, query, { offset: 10 })
    expect(next.map((hit) => hit.point.id)).toEqual(expected.slice(10, 20).map(({ id }) => id))
  })

  test('bm25 finds terms, rarer ones weighing more, also right after they were put', async () => {
    await at.store.upsert('docs', [
      point('d1', { terms: ['common', 'rare'] }),
      point('d2', { terms: ['common', 'common'] }),
      point('d3', { terms: ['common'] }),
      point('d4', { terms: ['other'] }),
    ])
    const search = (...terms: string[]) => at.store.query('docs', { mode: 'bm25', terms, limit: 10 })
    expect(ids(await search('rare'))).toEqual(['d1'])
    expect(ids(await search('common', 'rare'))[0]).toBe('d1')
    expect(ids(await search('common')).sort()).toEqual(['d1', 'd2', 'd3'])
    expect(await search('absent')).toEqual([])
    expect(await search()).toEqual([])
    await at.store.optimize('docs')
    await at.store.upsert('docs', [point('d5', { terms: ['late', '\u6771\u4eac'] })])
    expect(ids(await search('late'))).toEqual(['d5'])
    expect(ids(await search('\u6771\u4eac'))).toEqual(['d5'])
    expect(ids(await search('rare'))).toEqual(['d1'])
  })

  test('hybrid fuses both rankings by reciprocal rank where asked to', async () => {
    const query = vectors[1] ?? unit()
    await at.store.upsert('docs', [
      point('d1', { terms: ['x'], vector: query }),
      point('d2', { terms: ['y'], vector: vectors[2] ?? unit() }),
      point('d3', { terms: [], vector: vectors[3] ?? unit() }),
    ])
    const hits = await at.store.query('docs', { mode: 'hybrid', fusion: 'rrf', vector: query, terms: ['x'], limit: 10 })
    expect(hits[0]?.point.documentId).toBe('d1')
    expect(hits[0]?.score).toBeCloseTo(2 / 61, 6)
    expect(hits).toHaveLength(3)
    expect(hits[1]?.score).toBeCloseTo(1 / 62, 6)
  })
}

/** Equal scores, and one hit a document. */
export function orderTests({ test, expect, at }: StoreTests): void {
  test('equal scores are ordered by id', async () => {
    const vector = unit()
    await at.store.upsert(
      'docs',
      ['d3', 'd1', 'd4', 'd2'].map((id) => point(id, { vector, terms: ['same'] })),
    )
    expect(ids(await dense(at, vector))).toEqual(['d1', 'd2', 'd3', 'd4'])
    expect(ids(await at.store.query('docs', { mode: 'bm25', terms: ['same'], limit: 9 }))).toEqual([
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
    await at.store.upsert('docs', [...others, ...equal])
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
        const found = (await at.store.queryMany('docs', pages)).flat()
        expect(found.map(({ point: { id } }) => id)).toEqual(expected)
        const [alone] = await at.store.query('docs', { ...search, groupByDocument, offset: 70, limit: 1 })
        expect(alone?.point.id).toBe(expected[70])
      }
    }
  })

  test('grouping keeps the best chunk of each document and still fills the page', async () => {
    const query = unit()
    const many = Array.from({ length: 60 }, (_, chunk) =>
      point('d1', { id: `d1#${chunk}`, chunk, chunks: 60, vector: query }),
    )
    const others = Array.from({ length: 12 }, (_, i) => point(`e${i + 1}`))
    await at.store.upsert('docs', [...many, ...others])
    const hits = await dense(at, query, { groupByDocument: true, limit: 8 })
    expect(hits).toHaveLength(8)
    expect(new Set(ids(hits)).size).toBe(8)
    expect(hits[0]?.point.documentId).toBe('d1')
    const page = await dense(at, query, { groupByDocument: true, limit: 20 })
    expect(page).toHaveLength(13)
    expect(await at.store.count('docs', { unit: 'documents' })).toBe(13)
    expect(await at.store.count('docs')).toBe(72)
  })
}
