import type { VectorStore } from '../index/index.ts'
import { timed } from './timings.ts'

/** The same store; what it takes counts as the stage `store` of the request. */
export function timeStore(store: VectorStore): VectorStore {
  return {
    ...store,
    ensure: (...args) => timed('store', () => store.ensure(...args)),
    list: () => timed('store', () => store.list()),
    info: (...args) => timed('store', () => store.info(...args)),
    schema: (...args) => timed('store', () => store.schema(...args)),
    upsert: (...args) => timed('store', () => store.upsert(...args)),
    get: (...args) => timed('store', () => store.get(...args)),
    keys: (...args) => timed('store', () => store.keys(...args)),
    delete: (...args) => timed('store', () => store.delete(...args)),
    query: (...args) => timed('store', () => store.query(...args)),
    queryMany: (...args) => timed('store', () => store.queryMany(...args)),
    count: (...args) => timed('store', () => store.count(...args)),
    scroll: (...args) => timed('store', () => store.scroll(...args)),
    scrollKeys: (...args) => timed('store', () => store.scrollKeys(...args)),
    optimize: (...args) => timed('store', () => store.optimize(...args)),
    within: (signal) => timeStore(store.within(signal)),
  }
}
