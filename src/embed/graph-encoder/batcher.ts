import { QontrastError } from '../../shared/index.ts'
import type { BatchFigures, Purpose } from '../encoder.ts'

/** An input on its way through the model. */
export interface BatchEntry<Item> {
  readonly item: Item
  readonly cost: number
  /** Asked before the entry is put into a batch: one that nobody waits for any more is left out. */
  readonly wanted: () => boolean
  /** `vector` is `[dimensions]`. */
  resolve(vector: Float32Array): void
  reject(error: unknown): void
}

/** What runs batches; `idle()` tells how many it could start at once, `onIdle` when that grows. */
export interface BatchRunner<Item> {
  idle(): number
  onIdle(listener: () => void): void
  /** The vectors of the items, one after the other. */
  run(items: readonly Item[]): Promise<Float32Array>
}

export interface Batcher<Item> {
  /** Queues the inputs of one call. Queries overtake documents; within a purpose, each batch brings the oldest call on. */
  add(entries: readonly BatchEntry<Item>[], purpose: Purpose): void
  onBatch(listener: (batch: BatchFigures) => void): void
  /** Rejects what waits, and whatever is added later, with `closed`. */
  close(): void
}

/**
 * Merges the inputs of concurrent calls into batches that cost at most `budget`, padding included: their number times the largest cost
 * among them. A batch is composed only when a process is free for it, so that what came meanwhile takes part, and queries wait for one
 * batch at most.
 */
export function createBatcher<Item>(runner: BatchRunner<Item>, { budget }: { readonly budget: number }): Batcher<Item> {
  const queues: Record<Purpose, BatchEntry<Item>[][]> = { query: [], document: [] }
  const listeners: ((batch: BatchFigures) => void)[] = []
  let scheduled = false
  let closed = false
  runner.onIdle(schedule)

  /** Calls of the same turn of the event loop are merged even when a process is idle. */
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      pump()
    })
  }

  function pump(): void {
    for (let free = runner.idle(); free > 0; free--) {
      const entries = take(queues.query, budget) ?? take(queues.document, budget)
      if (!entries) return
      void runBatch(entries)
    }
  }

  async function runBatch(entries: readonly BatchEntry<Item>[]): Promise<void> {
    try {
      const cost = entries.reduce((sum, entry) => sum + entry.cost, 0)
      for (const listener of listeners) listener({ inputs: entries.length, cost })
      const vectors = await runner.run(entries.map(({ item }) => item))
      const dimensions = vectors.length / entries.length
      entries.forEach((entry, i) => entry.resolve(vectors.subarray(i * dimensions, (i + 1) * dimensions)))
    } catch (error) {
      for (const entry of entries) entry.reject(error)
    }
  }

  function close(): void {
    closed = true
    for (const queue of Object.values(queues)) {
      for (const entry of queue.splice(0).flat()) entry.reject(new QontrastError('closed', 'The encoder was closed.'))
    }
  }

  return {
    add(entries, purpose) {
      if (entries.length === 0) return
      queues[purpose].push([...entries])
      if (closed) close()
      else schedule()
    },
    onBatch: (listener) => listeners.push(listener),
    close,
  }
}

/**
 * Takes the next batch out of a queue of calls: everything, where that fits; else the costliest input of the oldest call, and of all that
 * waits what is nearest to it in cost and not above it. So padding stays small whatever mixture of calls waits, and every batch brings the
 * oldest call on.
 */
function take<Item>(queue: BatchEntry<Item>[][], budget: number): BatchEntry<Item>[] | undefined {
  const calls = queue.map((call) => call.filter((entry) => entry.wanted())).filter((call) => call.length > 0)
  const waiting = calls.flat().sort((a, b) => b.cost - a.cost)
  const most = waiting[0]?.cost ?? 0
  const fits = waiting.length * most <= budget
  const bound = fits ? most : Math.max(0, ...(calls[0] ?? []).map(({ cost }) => cost))
  const entries = waiting
    .filter(({ cost }) => cost <= bound)
    .slice(0, Math.max(1, Math.floor(budget / Math.max(1, bound))))
  const taken = new Set(entries)
  const left = calls.map((call) => call.filter((entry) => !taken.has(entry))).filter((call) => call.length > 0)
  queue.splice(0, queue.length, ...left)
  return entries.length > 0 ? entries : undefined
}
