import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byScoreThenId, fusions, reaches } from '../../../src/index/stores/fusion.ts'
import { candidateDepth, type HybridSource, rankHybrid } from '../../../src/index/stores/hybrid.ts'
import { bestOf } from '../../../src/index/stores/ranking.ts'
import type { Fusion, Scores } from '../../../src/index/stores/store.ts'
import { createRandom } from '../../../src/shared/index.ts'
import { fuzz } from '../../support/fuzz.ts'

interface Point {
  readonly id: string
  readonly document: string
  readonly dense: number
  readonly bm25: number
}

/** Both sides of these points, by plain arithmetic. */
function sourceOf(points: readonly Point[]): HybridSource<string> {
  const of = new Map(points.map((point) => [point.id, point]))
  const side = (by: 'dense' | 'bm25') =>
    points
      .filter((point) => by === 'dense' || point.bm25 > 0)
      .map((point) => ({ ref: point.id, score: point[by] }))
      .sort((a, b) => b.score - a.score)
  const some = <T>(refs: readonly string[], value: (point: Point) => T) =>
    new Map(refs.flatMap((ref) => (of.has(ref) ? [[ref, value(of.get(ref)!)] as const] : [])))
  return {
    words: (depth) => bestOf(depth, async (deep) => side('bm25').slice(0, deep)),
    nearest: (depth) => bestOf(depth, async (deep) => side('dense').slice(0, deep)),
    ids: async (refs) => some(refs, ({ id, document }) => ({ id, document })),
    cosines: async (refs) => some(refs, ({ dense }) => dense),
    look: async (refs) => some(refs, ({ id, document, dense }) => ({ id, document, cosine: dense })),
    wordScores: async (refs) => some(refs, ({ bm25 }) => bm25),
  }
}

/** The page with everything looked at: the candidates of both sides, fused. */
function everything(points: readonly Point[], { fusion, words, minScores, grouped }: Asked): string[] {
  const ranks = (by: 'dense' | 'bm25') =>
    new Map(
      points
        .filter((point) => by === 'dense' || point.bm25 > 0)
        .map((point) => ({ id: point.id, score: point[by] }))
        .sort(byScoreThenId)
        .slice(0, candidateDepth)
        .map(({ id }, i) => [id, i + 1]),
    )
  const [dense, bm25] = [ranks('dense'), ranks('bm25')]
  const seen = new Set<string>()
  return points
    .filter(({ id }) => dense.has(id) || bm25.has(id))
    .filter((point) => reaches({ dense: point.dense, bm25: point.bm25 }, minScores))
    .map((point) => {
      const weighed = { ...point, denseRank: dense.get(point.id), bm25Rank: bm25.get(point.id) }
      return { id: point.id, document: point.document, score: fusions[fusion](weighed, words) }
    })
    .sort(byScoreThenId)
    .filter(({ document }) => !grouped || (!seen.has(document) && seen.add(document)))
    .map(({ id }) => id)
}

interface Asked {
  readonly fusion: Fusion
  readonly words: number
  readonly minScores: Scores
  readonly grouped: boolean
}

test('what is looked at is enough: pages are those of all candidates, with ties, few words and bounds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.integer(),
        size: fc.constantFrom(5, 150, 400, 900),
        levels: fc.constantFrom(3, 40, 100_000),
        wordy: fc.constantFrom(0, 0.2, 1),
        fusion: fc.constantFrom<Fusion>('scores', 'rrf'),
        grouped: fc.boolean(),
        words: fc.constantFrom(1, 4, 12),
        minScores: fc.constantFrom<Scores>({}, { dense: 0.4 }, { bm25: 6 }, { dense: 0.1, bm25: 2 }),
        wanted: fc.constantFrom(1, 10, 60),
      }),
      async ({ seed, size, levels, wordy, wanted, grouped, ...asked }) => {
        const random = createRandom(seed)
        const level = (most: number) => (Math.ceil(random() * levels) / levels) * most
        const points = Array.from({ length: size }, (_, i) => ({
          id: `p${Math.floor(random() * 1e9)}-${i}`,
          document: `d${Math.floor(random() * size * 0.4)}`,
          dense: level(1) * 2 - 1,
          bm25: random() < wordy ? level(asked.words * 8) : 0,
        }))
        const found = await rankHybrid(sourceOf(points), { ...asked, wanted, groupByDocument: grouped })
        const expected = everything(points, { ...asked, grouped }).slice(0, wanted)
        expect(found.slice(0, expected.length).map(({ id }) => id)).toEqual(expected)
      },
    ),
    fuzz(150),
  )
})
