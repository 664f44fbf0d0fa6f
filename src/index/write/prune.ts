import type { JsonObject } from '../../shared/index.ts'
import type { Members } from '../generations/members.ts'
import type { VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import { deleteEverywhere } from './delete-documents.ts'

/** What is asked about before it goes. */
export interface StoredDocument {
  readonly id: string
  readonly payload: JsonObject
}

export interface PruneOptions {
  /** Collection that the run marked its documents in. */
  readonly collection: string
  /** When the run began. */
  readonly seen: number
  readonly mayGo: (document: StoredDocument) => boolean
  readonly signal: AbortSignal | undefined
}

/** Deletes what a run did not see, a page at a time; returns how many documents went. */
export async function prune(
  whole: VectorStore,
  members: Members,
  { collection, seen, mayGo, signal }: PruneOptions,
): Promise<number> {
  const store = within(whole, signal)
  let removed = 0
  let cursor: string | undefined
  do {
    const page = await store.scroll(collection, { seenBefore: seen, ...(cursor === undefined ? {} : { cursor }) })
    const going = page.points.filter(({ documentId: id, payload }) => mayGo({ id, payload }))
    if (going.length > 0) {
      const documents = [...new Set(going.map(({ documentId }) => documentId))]
      await deleteEverywhere(store, members, { documents })
    }
    removed += going.filter(({ chunk }) => chunk === 0).length
    cursor = page.cursor
  } while (cursor !== undefined)
  return removed
}
