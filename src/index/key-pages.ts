import { throwIfAborted } from '../shared/index.ts'
import type { PointKey, VectorStore } from './store.ts'

const pageKeys = 2_000

/** The keys of a collection, page by page. */
export async function* keyPages(
  store: VectorStore,
  collection: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly PointKey[], void, undefined> {
  let cursor: string | undefined
  do {
    throwIfAborted(signal)
    const page = await store.scrollKeys(collection, { limit: pageKeys, ...(cursor === undefined ? {} : { cursor }) })
    yield page.keys
    cursor = page.cursor
  } while (cursor !== undefined)
}
