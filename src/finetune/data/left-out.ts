/** Rows that were left out for one reason. */
export interface LeftOut {
  readonly reason: string
  readonly rows: number
  /** Their lines, counted from 1: the first 1,000. */
  readonly lines: readonly number[]
}

const mostLines = 1_000
const mostReasons = 100
/** What follows is of this row alone. */
const detail = /(?<=^it is no row): .*/s

/** Counts what is left out, by reason, in the order in which reasons turn up. */
export function createLeftOut() {
  const byReason = new Map<string, { rows: number; readonly lines: number[] }>()
  return {
    add(reason: string, line: number, rows: number): void {
      const general = reason.replace(detail, '.')
      const key = byReason.has(general) || byReason.size < mostReasons ? general : 'other reasons.'
      const counted = byReason.get(key) ?? { rows: 0, lines: [] }
      counted.rows += rows
      if (counted.lines.length < mostLines) counted.lines.push(line)
      byReason.set(key, counted)
    },
    counts: (): LeftOut[] => [...byReason].map(([reason, { rows, lines }]) => ({ reason, rows, lines })),
  }
}
