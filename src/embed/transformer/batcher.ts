import { QontrastError } from '../../shared/index.ts'
import type { BatchFigures, Purpose } from '../encoder.ts'
import type { TokenBatch } from './layout.ts'

/** A text on its way through the model. */
export interface BatchItem {
  readonly ids: readonly number[]
  /** First tokens that are not pooled. */
  readonly skip: number
  /** Asked before the item is put into a batch: an item nobody waits for any more is left out. */
  readonly wanted: () => boolean
  /** `vector` is `[dimensions]`. */
  resolve(vector: Float32Array): void
  reject(error: unknown): void
}

/** What runs batches; `idle()` tells how many it could start at once, `onIdle` when that grows. */
export interface BatchRunner {
  idle(): number
  onIdle(listener: () => void): void
  run(batch: TokenBatch): Promise<Float32Array>
}

export interface Batcher {
  /** Queues the texts of one call. Queries overtake documents; within a purpose, each batch brings the oldest call on. */
  add(items: readonly BatchItem[], purpose: Purpose): void
  onBatch(listener: (batch: BatchFigures) => void): void
  /** Rejects what waits, and whatever is added later, with `closed`. */
  close(): void
}

/**
 * Merges the texts of concurrent calls into batches of at most `tokenBudget` tokens, padding included.
 * A batch is composed only when a process is free for it, so that what came meanwhile takes part, and queries wait for one batch at most.
 */
export function createBatcher(runner: BatchRunner, { tokenBudget }: { tokenBudget: number }): Batcher {
  const queues: Record<Purpose, BatchItem[][]> = { query: [], document: [] }
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
      const items = take(queues.query, tokenBudget) ?? take(queues.document, tokenBudget)
      if (!items) return
      void runBatch(items)
    }
  }

  async function runBatch(items: readonly BatchItem[]): Promise<void> {
    try {
      const batch = toTokenBatch(items)
      for (const listener of listeners) listener({ texts: items.length, tokens: batch.ids.length })
      const vectors = await runner.run(batch)
      const dimensions = vectors.length / items.length
      items.forEach((item, i) => item.resolve(vectors.subarray(i * dimensions, (i + 1) * dimensions)))
    } catch (error) {
      for (const item of items) item.reject(error)
    }
  }

  function close(): void {
    closed = true
    for (const queue of Object.values(queues)) {
      for (const item of queue.splice(0).flat()) item.reject(new QontrastError('closed', 'The encoder was closed.'))
    }
  }

  return {
    add(items, purpose) {
      if (items.length === 0) return
      queues[purpose].push([...items])
      if (closed) close()
      else schedule()
    },
    onBatch: (listener) => listeners.push(listener),
    close,
  }
}

/**
 * Takes the next batch out of a queue of calls: everything, where that fits; else the longest text of the oldest call, and of all that waits what is nearest to it in
 * length and not longer. So padding stays small whatever mixture of calls waits, and every batch brings the oldest call on.
 */
function take(queue: BatchItem[][], tokenBudget: number): BatchItem[] | undefined {
  const calls = queue.map((call) => call.filter((item) => item.wanted())).filter((call) => call.length > 0)
  const waiting = calls.flat().sort((a, b) => b.ids.length - a.ids.length)
  const longest = waiting[0]?.ids.length ?? 0
  const fits = waiting.length * longest <= tokenBudget
  const bound = fits ? longest : Math.max(0, ...(calls[0] ?? []).map(({ ids }) => ids.length))
  const items = waiting
    .filter(({ ids }) => ids.length <= bound)
    .slice(0, Math.max(1, Math.floor(tokenBudget / Math.max(1, bound))))
  const taken = new Set(items)
  const left = calls.map((call) => call.filter((item) => !taken.has(item))).filter((call) => call.length > 0)
  queue.splice(0, queue.length, ...left)
  return items.length > 0 ? items : undefined
}

function toTokenBatch(items: readonly BatchItem[]): TokenBatch {
  const lengths = Int32Array.from(items, ({ ids }) => ids.length)
  const ids = new Int32Array(lengths.reduce((sum, length) => sum + length, 0))
  let at = 0
  for (const item of items) {
    ids.set(item.ids, at)
    at += item.ids.length
  }
  return { ids, lengths, skips: Int32Array.from(items, ({ skip }) => skip) }
}
