import { abortError } from './abort.ts'

export interface TurnOptions {
  /** Who waits: between owners turns are shared by cost, and those of one come in the order in which they were asked for. */
  readonly owner: string
  readonly cost?: number
  readonly signal?: AbortSignal | undefined
}

/** Work that may go on at the same time, up to a cost. */
export interface FairTurns {
  /** Turns that are waited for. */
  readonly waiting: number
  /** Waits for a turn; `aborted` once the signal fires. The function it gives ends the turn. */
  take(options: TurnOptions): Promise<() => void>
}

interface Waiting {
  readonly cost: number
  begin(): void
}

interface Line {
  readonly entries: Waiting[]
  /** Where the owner's last turn ends in virtual time. */
  finish: number
}

/**
 * Shares turns of at most `most` together between owners (start-time fair queueing: Goyal, Vin and Cheng, SIGCOMM 1996): who had least goes
 * first, and waiting saves nothing up. What costs more than `most` goes alone.
 */
export function createFairTurns(most: number): FairTurns {
  const lines = new Map<string, Line>()
  let virtual = 0
  let running = 0
  let waiting = 0

  function next(): Line | undefined {
    let first: Line | undefined
    for (const line of lines.values())
      if (line.entries.length > 0 && (!first || line.finish < first.finish)) first = line
    return first
  }

  function pump(): void {
    for (let line = next(); line; line = next()) {
      const [entry] = line.entries
      if (!entry || (running > 0 && running + entry.cost > most)) return
      line.entries.shift()
      virtual = line.finish
      line.finish += entry.cost
      running += entry.cost
      waiting -= 1
      entry.begin()
    }
    if (running === 0) lines.clear() // nobody is owed anything
  }

  function lineOf(owner: string): Line {
    const line = lines.get(owner) ?? { entries: [], finish: virtual }
    if (line.entries.length === 0) line.finish = Math.max(line.finish, virtual)
    lines.set(owner, line)
    return line
  }

  function ending(cost: number): () => void {
    let under = true
    return () => {
      if (!under) return
      under = false
      running -= cost
      pump()
    }
  }

  return {
    get waiting() {
      return waiting
    },
    take: ({ owner, cost = 1, signal }) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(abortError(signal))
        const { entries } = lineOf(owner)
        const leave = () => {
          entries.splice(entries.indexOf(entry), 1)
          waiting -= 1
          if (signal) reject(abortError(signal))
          pump()
        }
        const entry: Waiting = {
          cost,
          begin() {
            signal?.removeEventListener('abort', leave)
            resolve(ending(cost))
          },
        }
        signal?.addEventListener('abort', leave, { once: true })
        entries.push(entry)
        waiting += 1
        pump()
      }),
  }
}
