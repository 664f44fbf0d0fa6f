import { isGone, type Members } from './members.ts'
import type { Selector, VectorStore } from './store.ts'

/** Deletes from every live generation: also from one that came up while it deleted. */
export async function deleteEverywhere(store: VectorStore, members: Members, selector: Selector): Promise<void> {
  const done = new Set<string>()
  for (;;) {
    const todo = (await members.liveCollections()).filter((collection) => !done.has(collection))
    if (todo.length === 0) return
    for (const collection of todo) {
      await store.delete(collection, selector).catch(async (error: unknown) => {
        if (!(await isGone(error, collection, members))) throw error
      })
      done.add(collection)
    }
  }
}
