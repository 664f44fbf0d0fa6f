import type { MiddlewareHandler } from 'hono'
import { QontrastError } from '../../shared/index.ts'
import type { ApiEnv } from '../context.ts'
import type { Limits } from '../limits.ts'
import type { ModelQueue } from '../model-queue.ts'
import { overloaded } from '../overloaded.ts'

const embeddings = /\/v1\/embeddings$/

/** Refuses what there is no room for before its body is read, and everything once the server is draining. */
export function admission({
  limits,
  queues,
  hasKeys,
  draining,
  inFlight,
}: {
  limits: Limits
  queues: ReadonlyMap<string, ModelQueue>
  hasKeys: boolean
  draining: AbortSignal | undefined
  /** How many there are now, for whoever wants to know. */
  inFlight: { count: number }
}): MiddlewareHandler<ApiEnv> {
  const insideOf = new Map<string, number>()

  /** One key leaves as much room as it takes: others find some, whatever it asks for. */
  function checkRoom(key: string): void {
    const own = insideOf.get(key) ?? 0
    const most = limits.concurrentRequests
    const room = most - inFlight.count
    if (room > 0 && (own < room || own === 0 || !hasKeys)) return
    throw overloaded(
      `${inFlight.count} requests are being worked on, ${own} of them of this key; ${most} is the limit.`,
    )
  }

  function count(key: string, more: number): void {
    const own = (insideOf.get(key) ?? 0) + more
    inFlight.count += more
    if (own > 0) insideOf.set(key, own)
    else insideOf.delete(key)
  }

  return async function admission(c, next) {
    if (draining?.aborted) {
      c.header('Connection', 'close')
      throw new QontrastError('closed', 'The server is shutting down and takes no new requests.')
    }
    const { name } = c.var.access
    checkRoom(name)
    const isClosed = () => [...queues.values()].every(({ bulk }) => bulk.isClosedFor(name))
    if (embeddings.test(c.req.path) && isClosed()) throw overloaded('The queue of every model is full for this key.')
    count(name, 1)
    try {
      await next()
    } finally {
      count(name, -1)
    }
  }
}
