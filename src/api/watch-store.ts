import type { VectorStore } from '../index/index.ts'
import { isPromise } from '../shared/index.ts'

/** The same store, and when nothing is being asked of it any more: before that, it must not be closed. */
export function watchStore(store: VectorStore): { readonly store: VectorStore; idle(): Promise<void> } {
  const pending = new Set<Promise<unknown>>()

  function watched(result: unknown): unknown {
    if (!isPromise(result)) return result
    const settled = result.catch(() => {}).finally(() => pending.delete(settled))
    pending.add(settled)
    return result
  }

  function watch(inner: VectorStore): VectorStore {
    return new Proxy(inner, {
      get(target, name) {
        if (name === 'within') return (signal: AbortSignal) => watch(target.within(signal))
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (...args: unknown[]) => watched(value.apply(target, args)) : value
      },
    })
  }

  return {
    store: watch(store),
    async idle() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
