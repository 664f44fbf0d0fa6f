import type { QdrantClient } from '@qdrant/js-client-rest'
import { abortError, isQontrastError, orAborted, QontrastError, throwIfAborted } from '../../../shared/index.ts'
import { failureOf, isPassing, isUnreached, toStoreError } from './errors.ts'
import { defaultRetries, defaultTimeout, type QdrantCalls, type QdrantOptions } from './options.ts'

/** The server: one client, opened at the first call, and the one place where calls fail and are tried again. */
export interface Connection {
  /** For people to read. */
  readonly server: string
  /** Runs a call that may be repeated; rejects with `store-unavailable`, `store-busy`, `store-denied` and the like. */
  call<T>(collection: string | undefined, work: (client: QdrantCalls) => Promise<T>): Promise<T>
  /** The same connection; once the signal fires, its requests are broken off, and its calls end with `aborted`. */
  within(signal: AbortSignal): Connection
  close(): void
}

/** The oldest server that keeps metadata with a collection and lets fusion's rank constant be chosen. */
const oldest = { major: 1, minor: 16 }
const firstDelay = 100
const longestDelay = 5_000

/** The client, whose requests a signal breaks off. */
type Opened = (signal: AbortSignal) => QdrantCalls

export function connectTo(options: QdrantOptions): Connection {
  const { timeout = defaultTimeout, retries = defaultRetries } = options
  const server = options.url === undefined ? 'the given client' : checkUrl(options.url)
  let opening: Promise<Opened> | undefined
  let reached = false
  let closed = false

  async function open(): Promise<Opened> {
    const { client } = options
    const opened: Opened = client ? () => client : stoppable(await createClient(options))
    const { version } = await attempt((signal) => opened(signal).versionInfo(), timeout, undefined)
    checkVersion(version, server)
    return opened
  }

  /** A failed opening is not kept: the next call tries anew. */
  async function client(): Promise<Opened> {
    opening ??= open()
    try {
      return await opening
    } catch (error) {
      opening = undefined
      throw error
    }
  }

  async function call<T>(
    collection: string | undefined,
    work: (client: QdrantCalls) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    for (let tries = 0; ; tries++) {
      if (closed) throw new QontrastError('closed', 'The store was closed.')
      throwIfAborted(signal)
      try {
        const opened = await orAborted(client(), signal)
        const result = await attempt((within) => work(opened(within)), timeout, signal)
        reached = true
        return result
      } catch (cause) {
        if (signal?.aborted) throw abortError(signal)
        const failure = failureOf(cause)
        const hopeless = isUnreached(failure) && !reached // a wrong address: say so at once
        if (isQontrastError(cause) || hopeless || tries >= retries || !isPassing(failure))
          throw toStoreError(cause, { server, collection, timeout })
        const delay = Math.min(firstDelay * 2 ** tries, longestDelay) * (0.5 + Math.random())
        const waited = new Promise<void>((resolve) => {
          setTimeout(resolve, Math.max(delay, failure.retryAfter * 1_000))
        })
        await orAborted(waited, signal)
      }
    }
  }

  const connection = (signal: AbortSignal | undefined): Connection => ({
    server,
    call: (collection, work) => call(collection, work, signal),
    within: (other) => connection(signal ? AbortSignal.any([signal, other]) : other),
    close() {
      closed = true
    },
  })
  return connection(undefined)
}

/** Work with a signal of its own, which fires with the caller's or after the timeout. */
async function attempt<T>(
  work: (within: AbortSignal) => Promise<T>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const controller = new AbortController()
  const abort = () => controller.abort(signal?.reason)
  const late = setTimeout(() => controller.abort(new DOMException('no answer', 'TimeoutError')), timeout)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await orAborted(work(controller.signal), signal)
  } finally {
    clearTimeout(late)
    signal?.removeEventListener('abort', abort)
  }
}

/** The client's calls, all of which ask what `api()` gives, with a signal on each request: the client itself takes none. */
function stoppable(client: QdrantClient): Opened {
  const api = client.api()
  return (signal) => {
    const within = new Proxy(api, {
      get(calls, name) {
        const request: unknown = Reflect.get(calls, name)
        return typeof request === 'function' ? (payload: unknown) => request(payload, { signal }) : request
      },
    })
    return Object.create(client, { _openApiClient: { value: within } })
  }
}

async function createClient(options: QdrantOptions): Promise<QdrantClient> {
  const { QdrantClient } = await import('@qdrant/js-client-rest')
  const { protocol, hostname, pathname } = new URL(options.url ?? '')
  return new QdrantClient({
    host: hostname,
    port: portOf(options.url ?? ''),
    https: protocol === 'https:',
    timeout: Number.POSITIVE_INFINITY, // each request has a signal, which the client's own would replace
    checkCompatibility: false, // it only warns, and on the console
    headers: {
      // what is compressed comes in pieces, the last of which waits 40 ms for an acknowledgement
      'accept-encoding': 'identity',
      ...(options.apiKey === undefined ? {} : { 'api-key': options.apiKey }), // as `apiKey` it warns on the console
    },
    ...(pathname === '/' ? {} : { prefix: pathname.replace(/\/$/, '') }),
  })
}

/** The port as it is written: `URL` drops 443 and 80, and Qdrant's own is 6333. */
function portOf(url: string): number {
  return Number(/^\w+:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/.exec(url)?.[1] ?? 6333)
}

function checkUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new QontrastError('invalid-option', `url must be such as http://localhost:6333; got ${JSON.stringify(url)}.`)
}

function checkVersion(version: string, server: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return
  throw new QontrastError(
    'store-outdated',
    `Qdrant at ${server} is version ${version}; ${oldest.major}.${oldest.minor} or newer is needed. Upgrade the server.`,
  )
}
