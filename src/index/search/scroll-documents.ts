import type { Document } from '../../shared/index.ts'
import type { Filter } from '../filter/index.ts'
import type { VectorStore } from '../stores/store.ts'
import { joinChunks } from '../text/join-chunks.ts'

export interface DocumentPage {
  readonly documents: readonly Document[]
  /** Pass it to get the next page; undefined after the last. */
  readonly cursor: string | undefined
}

/** Some documents in a fixed order, at most `limit` and, but for the last page, at least one. */
export async function scrollDocuments(
  store: VectorStore,
  collection: string,
  { filter, limit, cursor: from }: { filter?: Filter | undefined; limit: number; cursor?: string | undefined },
): Promise<DocumentPage> {
  let cursor = from
  for (;;) {
    const page = await store.scroll(collection, {
      limit,
      ...(filter ? { filter } : {}),
      ...(cursor === undefined ? {} : { cursor }),
    })
    cursor = page.cursor
    const ids = page.points.filter(({ chunk }) => chunk === 0).map(({ documentId }) => documentId)
    if (ids.length === 0 && cursor !== undefined) continue
    const chunks = ids.length === 0 ? [] : await store.get(collection, { documents: ids })
    const byDocument = Map.groupBy(chunks, ({ documentId }) => documentId)
    return { documents: ids.flatMap((id) => joinChunks(byDocument.get(id) ?? []) ?? []), cursor }
  }
}

/** All documents, or those that a filter matches, one after the other. */
export async function* eachDocument(
  store: VectorStore,
  collection: string,
  filter: Filter | undefined,
): AsyncGenerator<Document, void, undefined> {
  let cursor: string | undefined
  do {
    const page = await store.scroll(collection, {
      ...(filter ? { filter } : {}),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const point of page.points) {
      if (point.chunk > 0) continue
      const chunks = point.chunks === 1 ? [point] : await store.get(collection, { documents: [point.documentId] })
      const document = joinChunks(chunks)
      if (document) yield document
    }
    cursor = page.cursor
  } while (cursor !== undefined)
}
