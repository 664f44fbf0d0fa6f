import { AsyncLocalStorage } from 'node:async_hooks'

export type Stage = 'body' | 'encode' | 'store'
/** Milliseconds by stage; what runs at the same time counts for each. */
export type Timings = Map<Stage, number>

const current = new AsyncLocalStorage<Timings>()

/** Runs the work of one request; `timed` inside adds to its timings. */
export function withTimings<T>(timings: Timings, work: () => T): T {
  return current.run(timings, work)
}

/** Adds how long the work took to the timings of the request it is done for. */
export async function timed<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
  const timings = current.getStore()
  if (!timings) return work()
  const start = performance.now()
  try {
    return await work()
  } finally {
    timings.set(stage, (timings.get(stage) ?? 0) + performance.now() - start)
  }
}
