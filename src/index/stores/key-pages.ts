import type { PointKey, VectorStore } from './store.ts'
import { within } from './within.ts'

const pageKeys = 2_000

/** The keys of a collection, page by page. */
export async function* keyPages(
  store: VectorStore,
  collection: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly PointKey[], void, undefined> {
  const source = within(store, signal)
  let cursor: string | undefined
  do {
    const page = await source.scrollKeys(collection, { limit: pageKeys, ...(cursor === undefined ? {} : { cursor }) })
    yield page.keys
    cursor = page.cursor
  } while (cursor !== undefined)
}
