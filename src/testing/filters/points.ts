import { type CollectionSchema, type Filter, matchesFilter, type Point } from '../../index/index.ts'
import { type JsonObject, normalizeInPlace } from '../../shared/index.ts'
import type { StoreTests } from '../runner.ts'
import { point } from '../store/points.ts'
import { declaredFields } from './samples.ts'

export const filterSchema: CollectionSchema = {
  dimensions: 4,
  encoder: { name: 'fixed', fingerprint: 'f'.repeat(32) },
  fields: declaredFields,
}
const vector = normalizeInPlace(Float32Array.of(1, 2, 3, 4))

/** Points differ in their payloads alone. */
export function filterPoint(id: string, payload: JsonObject): Point {
  return point(id, { title: undefined, payload, vector, terms: ['all'] })
}

export async function put({ store }: StoreTests['at'], list: readonly JsonObject[]): Promise<Point[]> {
  const points = list.map((payload, i) => filterPoint(`d${i}`, payload))
  await store.upsert('docs', points)
  return points
}

/** What a filter finds is what the plain evaluation finds, of the points and by every way of asking. */
export function agreement({ expect, at }: Pick<StoreTests, 'expect' | 'at'>) {
  return async (points: readonly Point[], filter: Filter): Promise<void> => {
    const expected = points.filter(({ payload }) => matchesFilter(filter, payload)).map(({ documentId }) => documentId)
    const limit = points.length + 1
    expect(await at.store.count('docs', { filter })).toBe(expected.length)
    for (const query of [{ mode: 'dense', vector } as const, { mode: 'bm25', terms: ['all'] } as const]) {
      const hits = await at.store.query('docs', { ...query, filter, limit })
      expect(hits.map((hit) => hit.point.documentId).sort()).toEqual([...expected].sort())
    }
  }
}

/** Fields of each type, all different. */
export const manyFields = (): JsonObject[] =>
  Array.from({ length: 40 }, (_, i) => ({
    n: i,
    s: `s${i}`,
    when: `20${10 + i}-01-01`,
    year: i / 2,
    source: `s${i}`,
  }))
