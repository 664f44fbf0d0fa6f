import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSampler } from '../../src/finetune/data/sampler.ts'
import type { Pair } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { fuzz } from '../support/fuzz.ts'

const text = fc.integer({ min: 0, max: 14 }).map(String)
const anyPairs = fc.array(fc.record({ anchor: text, positive: text, negatives: fc.array(text, { maxLength: 3 }) }), {
  maxLength: 60,
})

/** Whether a batch teaches that a pair's own text is a wrong answer to another of its pairs. */
function contradicts(batch: readonly Pair[]): boolean {
  return batch.some((one) => {
    const own = [one.anchor, one.positive]
    return batch.some(
      (other) =>
        other !== one && [other.anchor, other.positive, ...(other.negatives ?? [])].some((said) => own.includes(said)),
    )
  })
}

const numbered = (count: number, change: (i: number) => Partial<Pair> = () => ({})): Pair[] =>
  Array.from({ length: count }, (_, i) => ({ anchor: `anchor ${i}`, positive: `positive ${i}`, ...change(i) }))

function dealt(pairs: readonly Pair[], batchSize = 64, epoch = 0) {
  const batches = createSampler(pairs, { batchSize, seed: 1 }).batches(epoch)
  const sizes = batches.map((batch) => batch.length).toSorted((a, b) => b - a)
  return { batches, sizes, used: new Set(batches.flat()).size }
}

test('an epoch has each pair at most once and no batch contradicts itself, the same for the same seed', () => {
  fc.assert(
    fc.property(anyPairs, fc.integer({ min: 2, max: 9 }), fc.nat(5), (pairs: Pair[], batchSize, seed) => {
      const batches = createSampler(pairs, { batchSize, seed }).batches(1)
      const positions = batches.flat()
      expect(new Set(positions).size).toBe(positions.length)
      for (const batch of batches) {
        const taken = batch.flatMap((position) => pairs[position] ?? [])
        expect(contradicts(taken)).toBe(false)
        expect(taken.some(({ positive, negatives }) => negatives?.includes(positive))).toBe(false)
        expect(batch.length).toBeGreaterThan(1)
        expect(batch.length).toBeLessThanOrEqual(batchSize)
      }
      expect(createSampler(pairs, { batchSize, seed }).batches(1)).toEqual(batches)
    }),
  )
})

test('what is left out of few pairs has no place: any two of them contradict each other', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ anchor: text, positive: text }), { maxLength: 16 }), fc.nat(5), (pairs, seed) => {
      const taken = new Set(createSampler(pairs, { batchSize: 4, seed }).batches(0).flat())
      const left = pairs.filter((_, position) => !taken.has(position))
      for (const [i, one] of left.entries())
        for (const other of left.slice(i + 1)) expect(contradicts([one, other])).toBe(true)
    }),
    fuzz(2_000),
  )
})

describe('batches are as full as the pairs allow', () => {
  test('pairs without a text in common are all used, evenly, in another order in each epoch', () => {
    const [first, second] = [0, 1].map((epoch) => dealt(numbered(65), 64, epoch))
    expect(first?.sizes).toEqual([33, 32])
    expect(first?.used).toBe(65)
    expect(first?.batches).not.toEqual(second?.batches)
  })

  test('negatives that many share keep nothing apart', () => {
    const random = createRandom(1)
    const pool = () => Array.from({ length: 8 }, () => `negative ${Math.floor(random() * 30)}`)
    expect(dealt(numbered(500, () => ({ negatives: pool() }))).sizes).toEqual([63, 63, 63, 63, 62, 62, 62, 62])
  })

  test('negatives that are other positives keep only those pairs apart', () => {
    const random = createRandom(1)
    const mined = (i: number) => ({
      negatives: [1, 2, 3].map(() => `positive ${(i + 1 + Math.floor(random() * 498)) % 500}`),
    })
    const { used, sizes } = dealt(numbered(500, mined))
    expect(used).toBeGreaterThanOrEqual(499)
    expect(sizes.length).toBeLessThanOrEqual(9)
  })

  test('twenty answers to a thousand questions make fifty batches of twenty', () => {
    const { used, sizes } = dealt(numbered(1000, (i) => ({ positive: `answer ${i % 20}` })))
    expect(used).toBe(1000)
    expect(sizes).toEqual(new Array(50).fill(20))
  })

  test('a positive that most pairs share comes once in each batch, with others in another epoch', () => {
    const pairs = numbered(1000, (i) => (i < 600 ? { positive: 'the same' } : {}))
    const [first, second] = [0, 1].map((epoch) => dealt(pairs, 64, epoch))
    expect(first?.sizes).toEqual(new Array(16).fill(26))
    const shared = (epoch: typeof first) => epoch?.batches.flat().filter((position) => position < 600)
    expect(shared(first)).not.toEqual(shared(second))
    expect(createSampler(pairs, { batchSize: 64, seed: 1 }).mostShared).toEqual({ text: 'the same', pairs: 600 })
  })
})

test('a pair that names its positive as a negative too is never taken, and told', () => {
  const pairs = numbered(10, (i) => (i === 3 ? { negatives: ['positive 3'] } : {}))
  const sampler = createSampler(pairs, { batchSize: 4, seed: 1 })
  expect([...sampler.contradictory]).toEqual([3])
  expect(sampler.batches(0).flat()).not.toContain(3)
})

test.each([
  ['60,000 that share one positive', (i: number) => (i < 60_000 ? { positive: 'the same' } : {})],
  ['all that share one anchor', () => ({ anchor: 'the same' })],
  ['two answers', (i: number) => ({ positive: `answer ${i % 2}` })],
])('100,000 pairs, %s: each is used once or left out', (_, change) => {
  const pairs = numbered(100_000, change)
  const { batches, used } = dealt(pairs, 1024)
  expect(used).toBe(batches.flat().length)
})
