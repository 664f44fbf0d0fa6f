import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Table } from '@lancedb/lancedb'
import { isQontrastError, throwIfAborted } from '../../../shared/index.ts'
import type { CollectionParts, CollectionSchema, MaintenanceRun } from '../store.ts'
import { withStoreErrors } from './errors.ts'
import { isDue, type MaintenanceOptions, merge, partsOf } from './maintenance.ts'
import { seenTable } from './seen.ts'
import { openSession } from './session.ts'
import { withTableIfThere } from './tables.ts'
import { createTail, type Tail } from './tail.ts'
import { takeLock, upkeepLockOf } from './upkeep-lock.ts'

/** Keeps the tables of a store in few parts, in the background of its writes. */
export interface Upkeep {
  /** Tells of a write that went through, with the keys of the rows that it put. */
  wrote(collection: string, keys: readonly string[]): void
  /** Looks in the background whether merging pays, and merges. */
  consider(collection: string): void
  /** Merges now, or only where it pays; resolves when it is done, by this process or another. */
  run(collection: string, options: RunOptions): Promise<void>
  /** Waits for what is under way on a collection, and forgets it. */
  forget(collection: string): Promise<void>
  onMaintenance(listener: (run: MaintenanceRun) => void): () => void
  /** Begins nothing more, and waits for what is under way. */
  close(): Promise<void>
}

export interface RunOptions {
  readonly onlyDue: boolean
  readonly signal: AbortSignal | undefined
}

export interface UpkeepOptions extends MaintenanceOptions {
  readonly folder: string
  readonly schemaOf: (collection: string) => Promise<CollectionSchema | undefined>
  /** Does work while this process writes nothing to the collection. */
  readonly exclusively: (collection: string, work: () => Promise<void>) => Promise<void>
}

/** Small writes after which there is a look. */
const writesBetweenLooks = 8
/** A write of so many rows is no small one: others like it follow, and then a merge that is asked for. */
const manyRows = 64
/** In the background, merging takes at most a fifth of the time. */
const restFactor = 4
/** Whoever reads a version may go on for so long after it was replaced. */
const graceMilliseconds = 5_000
const lockPollMilliseconds = 200

let last: Promise<unknown> = Promise.resolve()

/** One at a time in this process, over all stores and collections. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = last.then(work)
  last = turn.catch(() => {})
  return turn
}

interface Kept {
  readonly tail: Tail
  /** Whether this process knows what others left. */
  looked: boolean
  /** What the last merge left. */
  settled: CollectionParts | undefined
  /** The look that waits for its turn or is under way. */
  looking: Promise<void> | undefined
  restUntil: number
  timer: NodeJS.Timeout | undefined
}

interface Opened {
  readonly table: Table
  parts(): Promise<CollectionParts>
  /** Works with the table of marks, where there is one. */
  marks(work: (table: Table) => Promise<unknown>): Promise<unknown>
}

export function createUpkeep({ folder, schemaOf, exclusively, approximateFrom }: UpkeepOptions): Upkeep {
  const kept = new Map<string, Kept>()
  const listeners = new Set<(run: MaintenanceRun) => void>()
  const underWay = new Map<Promise<unknown>, string>()
  let closed = false

  function keep(collection: string): Kept {
    const known = kept.get(collection)
    if (known) return known
    const own: Kept = {
      tail: createTail(),
      looked: false,
      settled: undefined,
      looking: undefined,
      restUntil: 0,
      timer: undefined,
    }
    kept.set(collection, own)
    return own
  }

  function consider(collection: string): void {
    const own = keep(collection)
    if (closed || own.looking || own.timer) return
    own.looking = inTurn(() => look(collection, own))
      .catch(() => {}) // it was told; a later look tries again
      .finally(() => {
        own.looking = undefined
      })
  }

  async function look(collection: string, own: Kept): Promise<void> {
    if (closed) return
    await withTable(collection, async (opened) => {
      if (own.tail.writes > 1) await own.tail.gather(opened.table)
      const parts = await opened.parts()
      own.looked = true
      const rest = own.restUntil - performance.now()
      if (!isDue(parts, own.settled)) tell({ collection, kind: 'look', seconds: 0, parts })
      else if (rest > 0) wakeUp(collection, own, rest)
      else await mergeOnce(collection, opened, graceMilliseconds)
    })
  }

  function wakeUp(collection: string, own: Kept, milliseconds: number): void {
    own.timer = setTimeout(() => {
      own.timer = undefined
      consider(collection)
    }, milliseconds).unref()
  }

  /** False where another process is at it. */
  async function mergeOnce(collection: string, { table, marks, parts }: Opened, grace: number): Promise<boolean> {
    const lock = await takeLock(path.join(folder, upkeepLockOf(collection)))
    if (!lock) return false
    const own = keep(collection)
    const start = performance.now()
    const seconds = () => (performance.now() - start) / 1_000
    try {
      const schema = await schemaOf(collection)
      if (!schema) return true
      own.tail.clear()
      const keepSince = () => new Date(Date.now() - grace)
      const work = () => withStoreErrors(() => merge(table, schema, { approximateFrom, keepSince }))
      await work().catch((error: unknown) => {
        if (!isQontrastError(error, 'store-busy')) throw error
        return exclusively(collection, work) // writers got in between
      })
      await marks((seen) => seen.optimize({ cleanupOlderThan: keepSince() }))
      own.settled = await parts()
      tell({ collection, kind: 'merge', seconds: seconds(), parts: own.settled })
      return true
    } catch (error) {
      tell({ collection, kind: 'merge', seconds: seconds(), error })
      throw error
    } finally {
      own.restUntil = performance.now() + seconds() * 1_000 * restFactor
      await lock.release()
    }
  }

  async function run(collection: string, { onlyDue, signal }: RunOptions): Promise<void> {
    for (;;) {
      throwIfAborted(signal)
      const done = await inTurn(() =>
        withTable(collection, async (opened) => {
          throwIfAborted(signal)
          if (onlyDue && !isDue(await opened.parts(), keep(collection).settled)) return true
          return mergeOnce(collection, opened, 0)
        }),
      )
      if (done) return
      await pause(lockPollMilliseconds)
    }
  }

  /** Over a connection of its own: what merging reads is not kept. */
  async function withTable<T>(collection: string, work: (opened: Opened) => Promise<T>): Promise<T> {
    const session = openSession(folder, { live: true })
    const done = session.use(() =>
      session.withTable(collection, (table) =>
        work({
          table,
          parts: () => partsOf(table, path.join(folder, `${collection}.lance`)),
          marks: async (work) => withTableIfThere(await session.connection(), seenTable(collection), work),
        }),
      ),
    )
    underWay.set(done, collection)
    try {
      return await done
    } finally {
      underWay.delete(done)
      await session.retire()
    }
  }

  function tell(run: MaintenanceRun): void {
    for (const listener of listeners) listener(run)
  }

  return {
    wrote(collection, keys) {
      if (keys.length >= manyRows) return
      const own = keep(collection)
      own.tail.add(keys)
      if (!own.looked || own.tail.writes >= writesBetweenLooks) consider(collection)
    },
    consider,
    run,
    async forget(collection) {
      const own = kept.get(collection)
      kept.delete(collection)
      clearTimeout(own?.timer)
      await own?.looking
      await Promise.allSettled([...underWay].filter(([, of]) => of === collection).map(([done]) => done))
    },
    onMaintenance(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed = true
      for (const { timer } of kept.values()) clearTimeout(timer)
      await Promise.allSettled(underWay.keys())
    },
  }
}
