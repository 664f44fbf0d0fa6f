import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isMeasure, type Measure } from '../../src/evaluate/index.ts'
import { scoreRankings } from '../../src/main.ts'
import { fuzz } from '../support/fuzz.ts'

interface Case {
  readonly kind: string
  readonly relevance: Record<string, Record<string, number>>
  readonly scores: Record<string, Record<string, number>>
  readonly expected: Record<string, number>
}
/** Written by tools/ranking_fixtures.py. */
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/rankings.json', import.meta.url), 'utf8'))
const mapsOf = (values: Record<string, Record<string, number>>) =>
  new Map(Object.entries(values).map(([query, inner]) => [query, new Map(Object.entries(inner))]))

test.each(cases)('figures are those of trec_eval: $kind', ({ relevance, scores, expected }) => {
  const measures = Object.keys(expected).filter(isMeasure)
  expect(measures).toHaveLength(20)
  const measured = scoreRankings(mapsOf(scores), mapsOf(relevance), { measures })
  for (const measure of measures) expect(measured[measure], measure).toBeCloseTo(expected[measure] ?? 9, 12)
})

test('the order in which hits, queries and judgements come makes no difference', () => {
  const measures: Measure[] = ['ndcg@3', 'map@10', 'mrr@10', 'recall@3', 'precision@10']
  const shuffledMap = <T>(map: ReadonlyMap<string, T>) =>
    fc.shuffledSubarray([...map], { minLength: map.size }).map((entries) => new Map(entries))
  fc.assert(
    fc.property(
      fc.constantFrom(...cases).chain((one) =>
        fc.record({
          one: fc.constant(one),
          relevance: shuffledMap(mapsOf(one.relevance)),
          scores: fc
            .tuple(...[...mapsOf(one.scores)].map(([query, hits]) => fc.tuple(fc.constant(query), shuffledMap(hits))))
            .map((entries) => new Map(entries)),
        }),
      ),
      ({ one, relevance, scores }) => {
        const measured = scoreRankings(scores, relevance, { measures })
        for (const measure of measures) expect(measured[measure]).toBeCloseTo(one.expected[measure] ?? 9, 12)
      },
    ),
    fuzz(30),
  )
})

test('a list stands as it is, each document once', () => {
  const relevance = new Map([['q', new Map([['b', 1]])]])
  expect(scoreRankings(new Map([['q', ['a', 'a', 'b']]]), relevance, { measures: ['mrr@2'] })).toEqual({ 'mrr@2': 0.5 })
})

test('the document of the query’s own id does not count, as with BEIR, unless it is asked for', () => {
  const rankings = new Map([
    ['d1', ['d1', 'd2']],
    ['d2', ['d2', 'd1']],
  ])
  const relevance = new Map([
    ['d1', new Map([['d2', 1]])],
    ['d2', new Map([['d1', 1]])],
  ])
  const measures = ['ndcg@10', 'mrr@1'] as const
  expect(scoreRankings(rankings, relevance, { measures })).toEqual({ 'ndcg@10': 1, 'mrr@1': 1 })
  expect(scoreRankings(rankings, relevance, { measures, keepOwnIds: true })['mrr@1']).toBe(0)
})

test('what is no measure is refused', () => {
  for (const measure of ['ndcg', 'ndcg@0', 'p@5', 'ndcg@1.5', 'ndcg@1001', 'constructor@1'])
    expect(isMeasure(measure)).toBe(false)
})
