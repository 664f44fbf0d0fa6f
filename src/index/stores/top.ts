import { byScoreThenId } from './fusion.ts'
import type { PointIds, Scored } from './ranking.ts'

type Entry<Ref> = Scored<Ref> & PointIds

/** The best of what is offered, best first, equal scores by id. */
export interface Top<Ref> {
  /** What scores less has no place. */
  readonly least: number
  offer(entry: Entry<Ref>): void
  ranked(): readonly Entry<Ref>[]
}

/** Keeps the best `size`; where grouped, one of each document. */
export function createTop<Ref>(size: number, groupByDocument: boolean): Top<Ref> {
  const entries: Entry<Ref>[] = []
  let least = Number.NEGATIVE_INFINITY
  return {
    get least() {
      return least
    },
    offer(entry) {
      if (groupByDocument) {
        const known = entries.findIndex((other) => other.document === entry.document)
        if (known >= 0) {
          const other = entries[known]
          if (other && byScoreThenId(other, entry) <= 0) return
          entries.splice(known, 1)
        }
      }
      let at = entries.length
      for (let low = 0; low < at; ) {
        const middle = (low + at) >> 1
        const other = entries[middle]
        if (other && byScoreThenId(other, entry) < 0) low = middle + 1
        else at = middle
      }
      entries.splice(at, 0, entry)
      if (entries.length > size) entries.pop()
      if (entries.length === size) least = entries.at(-1)?.score ?? least
    },
    ranked: () => entries,
  }
}
