import type { Table } from '@lancedb/lancedb'
import { idIn } from './filter-sql.ts'

/** The rows of small writes since the last merge. Each write left a fragment, which every search has to open. */
export interface Tail {
  add(keys: readonly string[]): void
  /** Writes that were not gathered yet. */
  readonly writes: number
  /** Has the rows lie in few fragments. Other processes may write meanwhile: LanceDB takes it for an update that changes nothing. */
  gather(table: Table): Promise<void>
  /** They come into the indexes now. */
  clear(): void
}

/** A fragment is written anew together with a newer one that is at least a fourth of it: so there are few, and each row is written a few times only. */
const growth = 4
/** Rows of the largest fragment that is gathered. */
const mostRows = 2_000

export function createTail(): Tail {
  /** Keys by fragment, the oldest and largest first. */
  let gathered: (readonly string[])[] = []
  let fresh: (readonly string[])[] = []
  return {
    get writes() {
      return fresh.length
    },
    add(keys) {
      fresh.push(keys)
    },
    async gather(table) {
      const taken = fresh.length
      const older = [...gathered]
      let keys = fresh.flat()
      for (;;) {
        const last = older.at(-1)
        if (!last || last.length > keys.length * growth || last.length + keys.length > mostRows) break
        keys = [...last, ...keys]
        older.pop()
      }
      if (keys.length === 0) return
      await table.update({ where: idIn(keys), valuesSql: { seen: 'seen' } })
      gathered = [...older, keys]
      fresh = fresh.slice(taken)
    },
    clear() {
      gathered = []
      fresh = []
    },
  }
}
