import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findClusters, findDuplicates, lancedb, type VectorStore } from '../../../src/main.ts'
import { createRandom, dot, normalizeInPlace } from '../../../src/shared/index.ts'
import { seededPoints, seededSchema } from '../../support/points.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const dimensions = 16
/** 300 documents of two chunks; documents 10 i + 1 and 10 i + 2 are near to document 10 i, the rest far from all. */
const points = seededPoints(600, dimensions, 2)
const random = createRandom(3)
const nudged = (vector: Float32Array, by: number) =>
  normalizeInPlace(vector.map((value) => value + by * (random() - 0.5)))
const placed = points.map((point, i) => {
  const document = Math.floor(i / 2)
  const kind = document % 10
  const original = points[i - 2 * kind]
  return kind === 1 || kind === 2 ? { ...point, vector: nudged(original?.vector ?? point.vector, 0.05 * kind) } : point
})

/** Plain arithmetic: means of chunks, all pairs. */
const means = new Map<string, Float32Array>()
for (const { documentId, vector } of placed) {
  const sum = means.get(documentId) ?? new Float32Array(dimensions)
  means.set(
    documentId,
    sum.map((value, i) => value + (vector[i] ?? 0)),
  )
}
for (const sum of means.values()) normalizeInPlace(sum)
const ids = [...means.keys()].sort()
const expected = (threshold: number) =>
  ids
    .flatMap((a, i) =>
      ids.slice(i + 1).map((b) => ({ ids: [a, b], score: dot(means.get(a) ?? sum0, means.get(b) ?? sum0) })),
    )
    .filter(({ score }) => score >= threshold)
    .sort((a, b) => b.score - a.score)
const sum0 = new Float32Array(dimensions)

let store: VectorStore
beforeAll(async () => {
  store = lancedb({ path: await temporaryFolder() })
  await store.ensure('docs', seededSchema(dimensions))
  await store.upsert('docs', placed)
  await store.ensure('empty', seededSchema(dimensions))
})
afterAll(() => store.close())
const at = () => ({ store, index: 'docs' })

describe('near documents', () => {
  test('are the pairs that plain arithmetic finds, nearest first', async () => {
    for (const threshold of [0.95, 0.6]) {
      const wanted = expected(threshold)
      const report = await findDuplicates({ ...at(), threshold, limit: 10_000 })
      expect(wanted.length).toBeGreaterThan(50)
      expect(report).toMatchObject({ documents: 300, exact: true, total: wanted.length })
      expect(report.pairs.map(({ documents }) => documents.map(({ id }) => id))).toEqual(wanted.map((pair) => pair.ids))
      for (const [i, { score }] of report.pairs.entries()) expect(score).toBeCloseTo(wanted[i]?.score ?? 9, 5)
    }
    const [first] = (await findDuplicates({ ...at(), limit: 3 })).pairs
    expect(first?.documents[0].title).toMatch(/^Title \d+$/)
    expect((await findDuplicates({ ...at(), limit: 3 })).pairs).toHaveLength(3)
  })

  test('are found through the index of the store too', async () => {
    const exact = await findDuplicates({ ...at(), limit: 10_000 })
    const asked = await findDuplicates({ ...at(), limit: 10_000, exact: false })
    expect(asked).toEqual({ ...exact, exact: false })
  })

  test('are found at 1 where they are the same', async () => {
    await store.ensure('same', seededSchema(dimensions))
    const twice = placed
      .slice(0, 60)
      .map((point) => ({ ...point, id: `x${point.id}`, documentId: `x${point.documentId}` }))
    await store.upsert('same', [...placed.slice(0, 60), ...twice])
    for (const exact of [true, false]) {
      const { pairs } = await findDuplicates({ store, index: 'same', threshold: 1, exact })
      expect(pairs).toHaveLength(30)
      for (const { score, documents } of pairs) {
        expect(score).toBeLessThanOrEqual(1)
        expect(documents[1].id).toBe(`x${documents[0].id}`)
      }
    }
  })

  test('are sought among those that a filter matches', async () => {
    const { documents, pairs } = await findDuplicates({ ...at(), filter: { source: 's0' }, threshold: 0.6 })
    expect(documents).toBe(100)
    const wanted = expected(0.6).filter((pair) => pair.ids.every((id) => Number(id.slice(1)) % 3 === 0))
    expect(pairs.map((pair) => pair.documents.map(({ id }) => id))).toEqual(wanted.map((pair) => pair.ids))
  })

  test('are grouped where pairs join them, largest first', async () => {
    const { total, clustered, clusters } = await findClusters(at())
    expect(total).toBe(30)
    expect(clustered).toBe(90)
    const groups = clusters.map((group) => group.documents.map(({ id }) => Number(id.slice(1))).sort((a, b) => a - b))
    for (const group of groups) expect(group).toEqual([0, 1, 2].map((i) => (group[0] ?? 0) + i))
    for (const { score } of clusters.flatMap((group) => group.documents)) expect(score).toBeGreaterThanOrEqual(0.95)
    expect((await findClusters({ ...at(), limit: 2 })).clusters).toHaveLength(2)
  })

  test('are told of on the way, and sought no further once a signal fires', async () => {
    const steps: string[] = []
    await findDuplicates({ ...at(), onProgress: ({ step, done }) => steps.push(`${step} ${done}`) })
    expect(steps[0]).toBe('read 600')
    expect(steps.at(-1)).toBe('compare 300')
    const controller = new AbortController()
    const stopped = findClusters({
      ...at(),
      signal: controller.signal,
      onProgress: ({ step }) => step === 'compare' && controller.abort(),
    })
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' })
  })

  test('need an index that is there, and a cosine', async () => {
    expect(await findDuplicates({ store, index: 'empty' })).toEqual({ documents: 0, exact: true, total: 0, pairs: [] })
    await expect(findDuplicates({ store, index: 'absent' })).rejects.toMatchObject({ code: 'index-not-found' })
    for (const threshold of [0, 1.5, Number.NaN])
      await expect(findClusters({ ...at(), threshold })).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(findClusters({ ...at(), limit: 0 })).rejects.toMatchObject({ code: 'invalid-option' })
  })
})
