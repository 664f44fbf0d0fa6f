import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../shared/index.ts'
import { type AppOptions, appKeys, createApp } from './app.ts'
import { watchStore } from './watch-store.ts'

export interface ServeOptions extends Omit<AppOptions, 'draining'> {
  /** 0 takes any free port. */
  readonly port?: number
  /** Anything but this machine's own address needs keys. */
  readonly host?: string
  /** Seconds that `close` waits for requests under way. */
  readonly graceSeconds?: number
}

const { draining: _, ...servedKeys } = appKeys
const serveKeys: OptionKeys<ServeOptions> = { ...servedKeys, port: true, host: true, graceSeconds: true }

export interface Server {
  readonly url: string
  /** Refuses new work, waits for what is under way, cuts what takes longer than the grace time. The store may be closed afterwards. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const loopback = new Set(['localhost', '127.0.0.1', '::1'])
const headSeconds = 10
const drainPollMilliseconds = 50

/** Opens the port. Rejects with `invalid-option` for an address that others can reach where there are no keys. */
export async function serve(given: ServeOptions): Promise<Server> {
  checkOptionKeys('serve', given, serveKeys)
  const { port = 8080, host = '127.0.0.1', graceSeconds = 20, ...options } = given
  if (!loopback.has(host) && !options.keys) {
    throw new QontrastError(
      'invalid-option',
      `The address ${host} can be reached from other machines, and there are no API keys: give keys, or serve on 127.0.0.1.`,
    )
  }
  const draining = new AbortController()
  const { store, idle } = watchStore(options.indexes.store)
  const app = createApp({ ...options, indexes: { ...options.indexes, store }, draining: draining.signal })
  const server = createServer(getRequestListener(app.fetch))
  server.headersTimeout = headSeconds * 1_000
  server.requestTimeout = 0 // bodies have limits of their own: a stream may take hours, its next line may not
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new QontrastError('invalid-option', `Cannot listen: ${cause.message}`, { cause })),
    )
    server.listen(port, host, resolve)
  })

  async function close(): Promise<void> {
    if (!server.listening) return
    draining.abort()
    const closed = once(server, 'close')
    server.close()
    const sweep = setInterval(() => server.closeIdleConnections(), drainPollMilliseconds)
    const cut = setTimeout(() => server.closeAllConnections(), graceSeconds * 1_000)
    await closed
    clearInterval(sweep)
    clearTimeout(cut)
    await idle()
  }

  return { url: urlOf(server.address(), host), close, [Symbol.asyncDispose]: close }
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
