import { eq, gte, type StoreQuery } from '../../index/index.ts'
import type { StoreTests } from '../runner.ts'
import { putMany, unit } from './points.ts'

/** Both scores, pages and bounds. */
export function hybridTests({ test, expect, at }: StoreTests): void {
  test('hits of hybrid tell both scores, whichever side found them, as each side does by itself', async () => {
    await putMany(at)
    const [vector, terms] = [unit(), ['even', 'v3']]
    const all = { limit: 700 } as const
    const cosines = new Map(
      (await at.store.query('docs', { mode: 'dense', vector, ...all })).map(({ point: { id }, scores }) => [
        id,
        scores,
      ]),
    )
    const words = new Map(
      (await at.store.query('docs', { mode: 'bm25', terms, ...all })).map(({ point: { id }, scores }) => [id, scores]),
    )
    for (const scores of cosines.values()) expect(Object.keys(scores)).toEqual(['dense'])
    for (const scores of words.values()) expect(Object.keys(scores)).toEqual(['bm25'])
    const found = await at.store.query('docs', { mode: 'hybrid', vector, terms, limit: 300 })
    expect(found).toHaveLength(300)
    expect(found.some(({ point: { id } }) => !words.has(id))).toBe(true)
    for (const { point: hit, scores } of found) {
      expect(scores.dense).toBeCloseTo(cosines.get(hit.id)?.dense ?? 9, 5)
      expect(scores.bm25).toBeCloseTo(words.get(hit.id)?.bm25 ?? 0, 4)
    }
  })

  test('pages of a search agree, in every mode, grouped or not, however deep', async () => {
    await putMany(at)
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
          (await at.store.query('docs', { ...search, groupByDocument, offset, limit })).map(
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
    await putMany(at)
    const [vector, terms] = [unit(), ['even', 'v3']]
    const hybrid = { mode: 'hybrid', vector, terms, limit: 700 } as const
    const all = await at.store.query('docs', hybrid)
    for (const minScores of [{ dense: 0.3 }, { bm25: 0.01 }, { dense: 0.1, bm25: 0.01 }]) {
      const kept = all.filter(
        ({ scores: { dense: cosine = -1, bm25 = -1 } }) =>
          cosine >= (minScores.dense ?? -1) && bm25 >= (minScores.bm25 ?? -1),
      )
      const found = await at.store.query('docs', { ...hybrid, minScores })
      expect(kept.length).toBeGreaterThan(0)
      expect(kept.length).toBeLessThan(all.length)
      expect(found.map(({ point: { id } }) => id)).toEqual(kept.map(({ point: { id } }) => id))
      const page = await at.store.query('docs', { ...hybrid, minScores, offset: 5, limit: 5 })
      expect(page.map(({ point: { id } }) => id)).toEqual(found.slice(5, 10).map(({ point: { id } }) => id))
    }
    const near = await at.store.query('docs', { mode: 'dense', vector, limit: 700, minScores: { dense: 0.5 } })
    expect(near.every(({ score }) => score >= 0.5)).toBe(true)
  })
}

/** Queries together. */
export function manyTests({ test, expect, at }: StoreTests): void {
  test('many queries together give what each gives alone', async () => {
    await putMany(at)
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
    const together = await at.store.queryMany('docs', queries)
    expect(together).toHaveLength(queries.length)
    for (const [i, query] of queries.entries()) {
      const alone = await at.store.query('docs', query)
      expect(together[i]?.map((hit) => hit.point)).toEqual(alone.map((hit) => hit.point))
      for (const [at, { score, scores }] of alone.entries()) {
        expect(together[i]?.[at]?.score).toBeCloseTo(score, 5)
        expect(Object.keys(together[i]?.[at]?.scores ?? {})).toEqual(Object.keys(scores))
      }
    }
    expect(await at.store.queryMany('docs', [])).toEqual([])
  })
}
