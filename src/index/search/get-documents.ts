import type { Document } from '../../shared/index.ts'
import type { PointRecord, VectorStore } from '../stores/store.ts'
import { joinChunks } from '../text/join-chunks.ts'

/** Documents in the order of the ids, undefined where there is none. */
export async function getDocuments(
  store: VectorStore,
  collection: string,
  ids: readonly string[],
): Promise<(Document | undefined)[]> {
  const points = await store.get(collection, { documents: [...new Set(ids)] })
  const documents = new Map<string, PointRecord[]>(ids.map((id) => [id, []]))
  for (const point of points) documents.get(point.documentId)?.push(point)
  return ids.map((id) => joinChunks(documents.get(id) ?? []))
}
