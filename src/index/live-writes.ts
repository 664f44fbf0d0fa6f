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
  /** Brings the indexes of all generations up to date. */
  optimize(): Promise<void>
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
      const write = await unlessGone(member.collection, prepareWrite(store, member, [...prepared.values()], options))
      if (write) writes.push(write)
    }
    const bad = new Set(writes.flatMap(({ failures }) => failures.map(({ id }) => id)))
    return writes.map((write) => ({ ...write, points: without(write.points, bad) }))
  }

  /** A generation that was dropped meanwhile needs nothing any more. */
  async function unlessGone<T>(collection: string, work: Promise<T>): Promise<T | undefined> {
    try {
      return await work
    } catch (error) {
      if (await isGone(error, collection, members)) return undefined
      throw error
    }
  }

  async function storeAll(prepared: Prepared, writes: readonly PreparedWrite[]): Promise<PreparedWrite[]> {
    const stored: PreparedWrite[] = []
    const done = new Set<string>()
    for (let todo = writes; ; ) {
      for (const write of todo) {
        const { collection } = write.member
        await unlessGone(collection, storeWrite(store, write))
        stored.push(write)
        done.add(collection)
      }
      if ((await members.liveCollections()).every((collection) => done.has(collection))) return stored
      todo = await prepare(prepared, done)
    }
  }

  return {
    prepare: (prepared) => prepare(prepared),
    store: storeAll,
    async optimize() {
      for (const collection of await members.liveCollections()) {
        await unlessGone(collection, store.optimize(collection))
      }
    },
  }
}

function without<T>(map: ReadonlyMap<string, T>, keys: ReadonlySet<string>): ReadonlyMap<string, T> {
  return keys.size === 0 ? map : new Map([...map].filter(([key]) => !keys.has(key)))
}
