import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../shared/index.ts'
import { type AppOptions, appKeys, createApp } from './app.ts'
import { answerBrokenBodies } from './half-open.ts'
import { watchStore } from './watch-store.ts'

export interface ServeOptions extends Omit<AppOptions, 'leaving' | 'draining' | 'cut'> {
  /** 0 takes any free port. */
  readonly port?: number
  /** Anything but this machine's own address needs keys. */
  readonly host?: string
  /** Seconds that `close` goes on serving while `/health/ready` is 503, so that no new requests come by the time it refuses them. */
  readonly lameDuckSeconds?: number
  /** Seconds that `close` waits then for requests under way. */
  readonly graceSeconds?: number
}

const { leaving: _, draining: __, cut: ___, ...servedKeys } = appKeys
const serveKeys: OptionKeys<ServeOptions> = {
  ...servedKeys,
  port: true,
  host: true,
  lameDuckSeconds: true,
  graceSeconds: true,
}

export interface Server {
  readonly url: string
  /**
   * Serves on for the lame-duck time, refuses new work, waits for what is under way, ends streams and cuts what takes longer than the grace time.
   * The store may be closed afterwards.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const loopback = new Set(['localhost', '127.0.0.1', '::1'])
const headMilliseconds = 10_000
/** Between looks at connections that are too slow, and at those that are idle while the server stops. */
const lookMilliseconds = { slow: 1_000, idle: 50 }
/** What streams have to write their last line, once they are cut. */
const lastWordMilliseconds = 500
/** Stands for the host of a request that names none, as HTTP/1.0 allows; nothing is served under it but `/health`. */
const noHost = 'no-host.invalid'

/** Opens the port. Rejects with `invalid-option` for an address that others can reach where there are no keys, and for a folder that cannot be written. */
export async function serve(given: ServeOptions): Promise<Server> {
  checkOptionKeys('serve', given, serveKeys)
  const { port = 8080, host = '127.0.0.1', lameDuckSeconds = 0, graceSeconds = 20, ...options } = given
  if (!loopback.has(host) && !options.keys) {
    throw new QontrastError(
      'invalid-option',
      `The address ${host} can be reached from other machines, and there are no API keys: give keys, or serve on 127.0.0.1.`,
    )
  }
  await options.indexes.store.checkWritable?.()
  const [leaving, draining, cut] = [new AbortController(), new AbortController(), new AbortController()]
  const { store, idle } = watchStore(options.indexes.store)
  const app = createApp({
    ...options,
    indexes: { ...options.indexes, store },
    leaving: leaving.signal,
    draining: draining.signal,
    cut: cut.signal,
  })
  const listener = getRequestListener(app.fetch, { hostname: noHost })
  const server = createServer(
    {
      headersTimeout: headMilliseconds,
      requestTimeout: 0, // bodies have limits of their own: a stream may take hours, its next line may not
      connectionsCheckingInterval: lookMilliseconds.slow,
      keepAlive: true, // of the connection itself: a peer that is gone for good is noticed
    },
    (request, response) => {
      if (leaving.signal.aborted || hasUnwantedBody(request)) response.shouldKeepAlive = false // the next request goes elsewhere
      return listener(request, response)
    },
  )
  answerBrokenBodies(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new QontrastError('invalid-option', `Cannot listen: ${cause.message}`, { cause })),
    )
    server.listen(port, host, resolve)
  })

  async function stop(): Promise<void> {
    leaving.abort()
    if (lameDuckSeconds > 0) await sleep(lameDuckSeconds * 1_000)
    draining.abort()
    const closed = once(server, 'close')
    server.close()
    const sweep = setInterval(() => server.closeIdleConnections(), lookMilliseconds.idle)
    if (!(await settlesWithin(closed, graceSeconds * 1_000))) {
      cut.abort(new QontrastError('closed', 'The server stops. Send what has no result yet again.'))
      await settlesWithin(closed, lastWordMilliseconds)
      server.closeAllConnections()
    }
    await closed
    clearInterval(sweep)
    await idle()
  }

  let stopped: Promise<void> | undefined
  const close = () => {
    stopped ??= stop()
    return stopped
  }
  return { url: urlOf(server.address(), host), close, [Symbol.asyncDispose]: close }
}

/** Nobody reads it, and it might never end. */
function hasUnwantedBody({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && ('content-length' in headers || 'transfer-encoding' in headers)
}

async function settlesWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const over = new AbortController()
  const late = sleep(milliseconds, false, { signal: over.signal }).catch(() => false)
  return Promise.race([work.then(() => true), late]).finally(() => over.abort())
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
