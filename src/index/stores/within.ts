import { orAborted, patientSignal, throwIfAborted } from '../../shared/index.ts'
import type { VectorStore } from './store.ts'

/** The store as a signal allows, or as it is where there is none. */
export function within(store: VectorStore, signal: AbortSignal | undefined): VectorStore {
  return signal ? store.within(signal) : store
}

/** Milliseconds that a store gets to finish what it is at. */
const patience = 1_000

/** The store for steps that are finished once they were begun, and given up only where the store does not answer. */
export function patientlyWithin(store: VectorStore, signal: AbortSignal | undefined): VectorStore {
  return within(store, signal && patientSignal(signal, patience).signal)
}

/** `within` of a store whose own calls cannot be stopped: they are no longer waited for. */
export function abandoning(store: VectorStore, signal: AbortSignal): VectorStore {
  const abandon =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      throwIfAborted(signal)
      return orAborted(call(...args), signal)
    }
  return {
    ...store,
    ensure: abandon(store.ensure),
    list: abandon(store.list),
    info: abandon(store.info),
    schema: abandon(store.schema),
    drop: abandon(store.drop),
    upsert: abandon(store.upsert),
    get: abandon(store.get),
    keys: abandon(store.keys),
    delete: abandon(store.delete),
    query: abandon(store.query),
    queryMany: abandon(store.queryMany),
    count: abandon(store.count),
    scroll: abandon(store.scroll),
    scrollKeys: abandon(store.scrollKeys),
    markSeen: abandon(store.markSeen),
    aliases: abandon(store.aliases),
    alias: abandon(store.alias),
    optimize: abandon(store.optimize),
    within: (other) => abandoning(store, AbortSignal.any([signal, other])),
  }
}
