import { lancedb } from '../stores/lancedb.ts'
import { indexNames } from '../stores/names.ts'
import type { CollectionInfo, VectorStore } from '../stores/store.ts'

/** `name` is what the index is opened by. */
export interface IndexInfo extends CollectionInfo {
  /** The collection that holds it: a generation, such as `docs.1`, or a collection of the same name. */
  readonly collection: string
  readonly documents: number
}

/** What a store holds: names, encoders, sizes. */
export async function listIndexes(at: VectorStore | { readonly path: string }): Promise<IndexInfo[]> {
  const store = isStore(at) ? at : lancedb(at)
  try {
    const infos: IndexInfo[] = []
    for (const name of indexNames(await store.list(), await store.aliases())) {
      const info = await describeIndex(store, name)
      if (info) infos.push(info)
    }
    return infos
  } finally {
    if (store !== at) await store.close()
  }
}

/** Undefined where there is no index of that name. */
export async function describeIndex(store: VectorStore, name: string): Promise<IndexInfo | undefined> {
  const info = await store.info(name)
  if (!info) return undefined
  const { name: collection, ...rest } = info
  return { ...rest, name, collection, documents: await store.count(name, { unit: 'documents' }) }
}

function isStore(at: unknown): at is VectorStore {
  return typeof at === 'object' && at !== null && 'list' in at
}
