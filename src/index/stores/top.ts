import { byScoreThenId } from './fusion.ts'

interface Entry {
  readonly id: string
  readonly document: string
  readonly score: number
}

/** The best of what is offered, best first, equal scores by id. */
export interface Top {
  /** What scores less has no place. */
  readonly least: number
  offer(id: string, document: string, score: number): void
  ranked(): readonly Entry[]
}

/** Keeps the best `size`; where grouped, one of each document. */
export function createTop(size: number, groupByDocument: boolean): Top {
  const entries: Entry[] = []
  let least = Number.NEGATIVE_INFINITY
  return {
    get least() {
      return least
    },
    offer(id, document, score) {
      const entry = { id, document, score }
      if (groupByDocument) {
        const known = entries.findIndex((other) => other.document === document)
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
