import type { Context } from 'hono'
import type { Logger } from 'pino'
import type { Access } from './access/keys.ts'
import type { Catalog } from './catalog.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { Streams } from './streams.ts'

/** What a request carries from middleware to handler. */
export interface ApiEnv {
  Variables: {
    requestId: string
    access: Access
    /** Throws `unauthorized` once the key is no longer good: for what goes on for long. */
    checkAccess: () => void
    /** Fires when the client goes away or the deadline passes. */
    signal: AbortSignal
    /** The field of the body that is wrong, where one is. */
    param?: string | undefined
    /** Set once the request has failed. */
    failure: Error | undefined
  }
}

export type ApiContext = Context<ApiEnv>

/** What the handlers of one app share. */
export interface Services {
  readonly catalog: Catalog
  readonly limits: Limits
  readonly metrics: Metrics
  readonly streams: Streams
  readonly log: Logger | undefined
  /** Fires when the server is to stop. */
  readonly draining: AbortSignal | undefined
  /** Fires when streams must end. */
  readonly cut: AbortSignal | undefined
}
