import { checkSameSchema } from './check.ts'
import { checkIndexName, generationName, nextAlias, previousAlias } from './names.ts'
import type { CollectionSchema, VectorStore } from './store.ts'

/**
 * Makes the first generation of an index and its alias, or checks that what is there fits: `encoder-mismatch`, `dimension-mismatch`, `invalid-option`.
 * Done twice, by two processes at once, or again after a kill, it is the same as once.
 */
export async function ensureIndex(store: VectorStore, index: string, schema: CollectionSchema): Promise<void> {
  const existing = await store.info(index)
  if (existing) return checkSameSchema(index, existing.schema, schema)
  checkIndexName(index)
  const first = generationName(index, 1)
  await store.ensure(first, schema)
  const named = (await store.aliases()).get(index)
  const madeMeanwhile = named !== undefined && (await store.info(named)) !== undefined
  if (!madeMeanwhile) await store.alias(index, first)
}

/** Drops an index with all its generations, its name last: killed in between, it can be dropped again. */
export async function dropIndex(store: VectorStore, index: string): Promise<void> {
  const aliases = await store.aliases()
  const names = [nextAlias(index), previousAlias(index), index]
  const collections = new Set(names.map((name) => aliases.get(name) ?? (name === index ? index : undefined)))
  for (const collection of collections) {
    if (collection !== undefined && (collection === index || (await store.info(collection)))) {
      await store.drop(collection)
    }
  }
  for (const name of names) if (aliases.has(name)) await store.alias(name, undefined)
}
