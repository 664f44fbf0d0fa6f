import { mkdir } from 'node:fs/promises'
import type { Connection, Table } from '@lancedb/lancedb'
import { loadLibrary } from './load-library.ts'
import { openUpToDate, withTable } from './tables.ts'

/** A connection with what it keeps in memory of the tables that were opened through it: indexes, and about 1 kB of each row that was written. */
export interface Session {
  connection(): Promise<Connection>
  /** Works on the table of a collection: all that is read from it shows one state, that of this moment, and its own writes; of a live session always the latest. */
  withTable<T>(collection: string, work: (table: Table) => Promise<T>): Promise<T>
  /** Keeps the session open while the work goes on. */
  use<T>(work: () => Promise<T>): Promise<T>
  /** Closes it once nothing uses it any more; resolves when it is closed. */
  retire(): Promise<void>
}

export function openSession(folder: string, { live = false }: { readonly live?: boolean } = {}): Session {
  const upToDate = new Set<string>()
  const closed = Promise.withResolvers<void>()
  let opened: Promise<Connection> | undefined
  let users = 0
  let retired = false

  async function connect(): Promise<Connection> {
    const { connect: open } = await loadLibrary()
    await mkdir(folder, { recursive: true })
    return open(folder, live ? { readConsistencyInterval: 0 } : {})
  }

  function connection(): Promise<Connection> {
    opened ??= connect()
    return opened
  }

  async function open(collection: string): Promise<Table> {
    const db = await connection()
    if (upToDate.has(collection)) return db.openTable(collection)
    const table = await openUpToDate(db, collection)
    upToDate.add(collection)
    return table
  }

  async function closeUnused(): Promise<void> {
    if (!retired || users > 0) return
    const db = await opened?.catch(() => undefined) // one that failed to open needs no closing
    db?.close()
    closed.resolve()
  }

  return {
    connection,
    withTable: (collection, work) => withTable(open(collection), work),
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
