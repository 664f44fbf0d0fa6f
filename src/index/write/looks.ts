import { isGone, type Members } from '../generations/members.ts'
import type { PointKey, VectorStore } from '../stores/store.ts'
import { isWhole, keysByDocument } from './write-documents.ts'

interface Look {
  readonly live: readonly string[]
  /** By collection and document. */
  readonly keys: ReadonlyMap<string, ReadonlyMap<string, readonly PointKey[]>>
}

/** What is stored of documents in every live generation. */
export async function lookAt(store: VectorStore, members: Members, documents: readonly string[]): Promise<Look> {
  const live = await members.liveCollections()
  const keys = new Map<string, ReadonlyMap<string, readonly PointKey[]>>()
  for (const collection of live) {
    const found = await keysByDocument(store, collection, documents).catch(async (error: unknown) => {
      if (await isGone(error, collection, members)) return undefined
      throw error
    })
    if (found) keys.set(collection, found)
  }
  return { live, keys }
}

/** Documents of which a part is there, or that are not the same in all generations. */
export function differing({ keys }: Look, documents: Iterable<string>): Set<string> {
  const generations = [...keys.values()]
  return new Set(
    [...documents].filter((id) => {
      const hash = generations[0]?.get(id)?.[0]?.hash
      return !generations.every((found) => (hash === undefined ? !found.has(id) : isWhole(found.get(id), hash)))
    }),
  )
}
