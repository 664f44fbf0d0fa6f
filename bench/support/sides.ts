import { execFile } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { promisify } from 'node:util'

/** One competitor: a command that prints its figures as one line of JSON. */
export interface Side {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

export type Figures = Readonly<Record<string, number>>

/** Runs the sides in turn, `rounds` times, so that a drift of the machine's speed meets all of them; medians by side. */
export async function alternate(sides: readonly Side[], rounds: number): Promise<Map<string, Figures>> {
  const seen = new Map<string, Figures[]>(sides.map(({ name }) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const { name, command } of sides) {
      const [program, ...args] = command
      const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 26 })
      const figures: Figures = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '{}')
      seen.get(name)?.push(figures)
      console.error(`round ${round} ${name}: ${JSON.stringify(figures)}`)
    }
  }
  return new Map([...seen].map(([name, list]) => [name, medians(list)]))
}

function medians(list: readonly Figures[]): Figures {
  const keys = Object.keys(list[0] ?? {})
  return Object.fromEntries(keys.map((key) => [key, median(list.map((figures) => figures[key] ?? Number.NaN))]))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** `p` between 0 and 1. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN
}

export function machine(): string {
  return `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`
}
