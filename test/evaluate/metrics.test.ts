import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { scoreRankings, spearman } from '../../src/evaluate/index.ts'

const golden: {
  relevance: Record<string, Record<string, number>>
  rankings: Record<string, string[]>
  expected: Record<string, number>
  spearman: { a: number[]; b: number[]; expected: number }[]
} = JSON.parse(readFileSync(new URL('../fixtures/metrics.json', import.meta.url), 'utf8'))

const relevance = new Map(
  Object.entries(golden.relevance).map(([query, judged]) => [query, new Map(Object.entries(judged))]),
)
const rankings = new Map(Object.entries(golden.rankings))

test('retrieval metrics are those of trec_eval', () => {
  for (const [metric, value] of Object.entries(scoreRankings(rankings, relevance)))
    expect(value, metric).toBeCloseTo(golden.expected[metric] ?? 9, 10)
})

test('a query without a ranking, or without anything relevant, counts as nothing found', () => {
  const one = new Map([
    ['q1', new Map([['d1', 1]])],
    ['q2', new Map([['d1', 1]])],
    ['q3', new Map([['d1', 0]])],
  ])
  expect(scoreRankings(new Map([['q1', ['d1']]]), one)['ndcg@10']).toBeCloseTo(1 / 3, 12)
  expect(scoreRankings(new Map(), new Map())['ndcg@10']).toBe(0)
})

test('Spearman’s correlation is SciPy’s, ties included', () => {
  for (const { a, b, expected } of golden.spearman) expect(spearman(a, b)).toBeCloseTo(expected, 10)
})
