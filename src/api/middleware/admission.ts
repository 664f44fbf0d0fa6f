import type { MiddlewareHandler } from 'hono'
import { QontrastError } from '../../shared/index.ts'
import type { ApiEnv } from '../context.ts'
import type { Limits } from '../limits.ts'
import type { TokenQueue } from '../token-queue.ts'

/** Refuses what there is no room for before its body is read, and everything once the server is draining. */
export function admission({
  limits,
  queue,
  draining,
  inFlight,
}: {
  limits: Limits
  queue: TokenQueue
  draining: AbortSignal | undefined
  /** How many there are now, for whoever wants to know. */
  inFlight: { count: number }
}): MiddlewareHandler<ApiEnv> {
  return async function admission(c, next) {
    if (draining?.aborted) {
      c.header('Connection', 'close')
      throw new QontrastError('closed', 'The server is shutting down and takes no new requests.')
    }
    if (inFlight.count >= limits.concurrentRequests)
      throw new QontrastError('overloaded', `${inFlight.count} requests are being worked on; that is the limit.`)
    if (c.req.method !== 'GET') queue.checkOpen()
    inFlight.count += 1
    try {
      await next()
    } finally {
      inFlight.count -= 1
    }
  }
}
