import { normalizeInPlace } from '../shared/index.ts'
import { type Filter, matchesFilter } from './filter.ts'
import type { VectorStore } from './store.ts'

/** Mean vector of a document's chunks, `[dimensions]`, for finding what is like it; undefined where there is no such document that the filter matches. */
export async function exampleVector(
  store: VectorStore,
  collection: string,
  { id, filter }: { readonly id: string; readonly filter?: Filter | undefined },
): Promise<{ readonly vector: Float32Array; readonly chunks: number } | undefined> {
  const points = await store.get(collection, { documents: [id] }, { vectors: true })
  const visible = points.filter(({ payload }) => !filter || matchesFilter(filter, payload))
  const vectors = visible.flatMap(({ vector }) => vector ?? [])
  const [first] = visible
  if (!first?.vector) return undefined
  const sum = new Float32Array(first.vector.length)
  for (const point of visible) point.vector?.forEach((value, i) => (sum[i] = (sum[i] ?? 0) + value))
  return { vector: normalizeInPlace(sum), chunks: vectors.length }
}
