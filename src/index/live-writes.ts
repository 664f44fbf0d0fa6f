import { isGone, type Members } from './members.ts'
import type { PreparedDocument } from './prepare.ts'
import type { VectorStore } from './store.ts'
import { type PreparedWrite, prepareWrite, storeWrite } from './write-documents.ts'

type Prepared = ReadonlyMap<string, PreparedDocument>

/** Writes to every live generation of an index. */
export interface LiveWriter {
  /** One write for each generation, the current one first. A document that fails in one is left out of all. */
  prepare(prepared: Prepared): Promise<PreparedWrite[]>
  /**
   * Documents are stored once every generation has them that is live afterwards: a re-index that began or ended meanwhile misses nothing.
   * Returns all that was written.
   */
  store(prepared: Prepared, writes: readonly PreparedWrite[]): Promise<PreparedWrite[]>
}

export function createLiveWriter(options: {
  readonly store: VectorStore
  readonly members: Members
  readonly seen: number
  readonly signal: AbortSignal | undefined
}): LiveWriter {
  const { store, members } = options

  async function prepare(prepared: Prepared, done: ReadonlySet<string> = new Set()): Promise<PreparedWrite[]> {
    const writes: PreparedWrite[] = []
    for (const member of await members.live()) {
      if (done.has(member.collection)) continue
      try {
        writes.push(await prepareWrite(store, member, [...prepared.values()], options))
      } catch (error) {
        if (!(await isGone(error, member.collection, members))) throw error
      }
    }
    const bad = new Set(writes.flatMap(({ failures }) => failures.map(({ id }) => id)))
    return writes.map((write) => ({ ...write, points: without(write.points, bad) }))
  }

  async function storeAll(prepared: Prepared, writes: readonly PreparedWrite[]): Promise<PreparedWrite[]> {
    const stored: PreparedWrite[] = []
    const done = new Set<string>()
    for (let todo = writes; ; ) {
      for (const write of todo) {
        const { collection } = write.member
        await storeWrite(store, write).catch(async (error: unknown) => {
          if (!(await isGone(error, collection, members))) throw error
        })
        stored.push(write)
        done.add(collection)
      }
      if ((await members.liveCollections()).every((collection) => done.has(collection))) return stored
      todo = await prepare(prepared, done)
    }
  }

  return { prepare: (prepared) => prepare(prepared), store: storeAll }
}

function without<T>(map: ReadonlyMap<string, T>, keys: ReadonlySet<string>): ReadonlyMap<string, T> {
  return keys.size === 0 ? map : new Map([...map].filter(([key]) => !keys.has(key)))
}
