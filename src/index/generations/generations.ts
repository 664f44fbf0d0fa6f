import { checkSameSchema } from '../stores/check.ts'
import { checkIndexName, firstGeneration, indexNames, nextAlias, notFound, previousAlias } from '../stores/names.ts'
import type { CollectionSchema, VectorStore } from '../stores/store.ts'

export interface Generation {
  readonly collection: string
  readonly schema: CollectionSchema
}

export interface Generations {
  readonly current: Generation
  /** Being built, or brought up to date for a rollback: writes go to it too. */
  readonly next: Generation | undefined
  /** The one before, kept for a rollback. */
  readonly previous: Generation | undefined
}

/** What an index consists of. Rejects with `index-not-found`. */
export async function readGenerations(store: VectorStore, index: string): Promise<Generations> {
  const aliases = await store.aliases()
  const at = async (collection: string | undefined): Promise<Generation | undefined> => {
    const info = collection === undefined ? undefined : await store.info(collection)
    return info && { collection: info.name, schema: info.schema }
  }
  const current = await at(aliases.get(index) ?? index)
  if (!current) throw await indexNotFound(store, index)
  const others = await Promise.all([nextAlias(index), previousAlias(index)].map((alias) => at(aliases.get(alias))))
  // an alias of the current generation was left by a switch that was broken off
  const [next, previous] = others.map((other) => (other?.collection === current.collection ? undefined : other))
  return { current, next, previous }
}

/** What a new index is kept in: its first generation, or itself in a store without aliases. */
export function firstCollection(store: VectorStore, index: string): string {
  return store.capabilities.aliases ? firstGeneration(index) : index
}

/**
 * Makes the first generation of an index and its alias, or checks that what is there fits: `encoder-mismatch`, `dimension-mismatch`, `invalid-option`.
 * Done twice, by two processes at once, or again after a kill, it is the same as once.
 */
export async function ensureIndex(store: VectorStore, index: string, schema: CollectionSchema): Promise<Generation> {
  const existing = await store.info(index)
  if (existing) {
    checkSameSchema(index, existing.schema, schema)
    return { collection: existing.name, schema: existing.schema }
  }
  checkIndexName(index)
  const first = firstCollection(store, index)
  await store.ensure(first, schema)
  const named = (await store.aliases()).get(index)
  const madeMeanwhile = named !== undefined && (await store.info(named)) !== undefined
  if (!madeMeanwhile && first !== index) await store.alias(index, first)
  return { collection: first, schema }
}

/** Drops an index with all its generations, its name last: killed in between, it can be dropped again. */
export async function dropIndex(store: VectorStore, index: string): Promise<void> {
  const aliases = await store.aliases()
  const there = new Set(await store.list())
  if (!aliases.has(index) && !there.has(index)) throw await indexNotFound(store, index)
  const names = [nextAlias(index), previousAlias(index), index]
  const collections = names.map((name) => aliases.get(name) ?? name)
  for (const collection of new Set(collections)) if (there.has(collection)) await store.drop(collection)
  for (const name of names) if (aliases.has(name)) await store.alias(name, undefined)
}

export async function indexNotFound(store: VectorStore, index: string): Promise<Error> {
  return notFound(index, store.name, indexNames(await store.list(), await store.aliases()))
}
