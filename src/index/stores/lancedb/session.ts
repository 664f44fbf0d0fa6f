import { mkdir } from 'node:fs/promises'
import type { Connection, Table } from '@lancedb/lancedb'
import { loadLibrary } from './load-library.ts'
import { openUpToDate } from './tables.ts'

/** A connection with its open tables. An open one holds on to memory and files, so it is replaced from time to time. */
export interface Session {
  connection(): Promise<Connection>
  /** The table of a collection; opened once. */
  table(collection: string): Promise<Table>
  forget(collection: string): void
  /** Keeps the session open while the work goes on. */
  use<T>(work: () => Promise<T>): Promise<T>
  /** Closes it once nothing uses it any more; resolves when it is closed. */
  retire(): Promise<void>
}

export function openSession(folder: string): Session {
  const tables = new Map<string, Promise<Table>>()
  const dropped: Promise<Table>[] = []
  const closed = Promise.withResolvers<void>()
  let opened: Promise<Connection> | undefined
  let users = 0
  let retired = false

  async function connect(): Promise<Connection> {
    const { connect: open } = await loadLibrary()
    await mkdir(folder, { recursive: true })
    return open(folder, { readConsistencyInterval: 0 }) // else writes of other processes stay unseen
  }

  function connection(): Promise<Connection> {
    opened ??= connect()
    return opened
  }

  async function closeUnused(): Promise<void> {
    if (!retired || users > 0) return
    for (const outcome of await Promise.allSettled([...tables.values(), ...dropped]))
      if (outcome.status === 'fulfilled') outcome.value.close()
    const db = await opened?.catch(() => undefined) // one that failed to open needs no closing
    db?.close()
    closed.resolve()
  }

  return {
    connection,
    table(collection) {
      const table = tables.get(collection) ?? connection().then((db) => openUpToDate(db, collection))
      tables.set(collection, table)
      return table
    },
    forget(collection) {
      const table = tables.get(collection)
      if (table) dropped.push(table)
      tables.delete(collection)
    },
    async use(work) {
      users += 1
      try {
        return await work()
      } finally {
        users -= 1
        await closeUnused()
      }
    },
    async retire() {
      retired = true
      await closeUnused()
      return closed.promise
    },
  }
}
