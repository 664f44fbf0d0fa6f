import { isQontrastError, QontrastError } from '../../../shared/index.ts'
import { failureOf, isPassing, isUnreached, toStoreError } from './errors.ts'
import { defaultRetries, defaultTimeout, type QdrantCalls, type QdrantOptions } from './options.ts'

/** The server: one client, opened at the first call, and the one place where calls fail and are tried again. */
export interface Connection {
  /** For people to read. */
  readonly server: string
  /** Runs a call that may be repeated; rejects with `store-unavailable`, `store-busy`, `store-denied` and the like. */
  call<T>(collection: string | undefined, work: (client: QdrantCalls) => Promise<T>): Promise<T>
  close(): void
}

/** The oldest server that keeps metadata with a collection and lets fusion's rank constant be chosen. */
const oldest = { major: 1, minor: 16 }
const firstDelay = 100
const longestDelay = 5_000

export function connectTo(options: QdrantOptions): Connection {
  const { timeout = defaultTimeout, retries = defaultRetries } = options
  const server = options.url === undefined ? 'the given client' : checkUrl(options.url)
  let opened: Promise<QdrantCalls> | undefined
  let reached = false
  let closed = false

  async function open(): Promise<QdrantCalls> {
    const client = options.client ?? (await createClient(options, timeout))
    const { version } = await client.versionInfo()
    checkVersion(version, server)
    return client
  }

  /** A failed opening is not kept: the next call tries anew. */
  async function client(): Promise<QdrantCalls> {
    opened ??= open()
    try {
      return await opened
    } catch (error) {
      opened = undefined
      throw error
    }
  }

  return {
    server,
    async call(collection, work) {
      for (let attempt = 0; ; attempt++) {
        if (closed) throw new QontrastError('closed', 'The store was closed.')
        try {
          const result = await work(await client())
          reached = true
          return result
        } catch (cause) {
          const failure = failureOf(cause)
          const hopeless = isUnreached(failure) && !reached // a wrong address: say so at once
          if (isQontrastError(cause) || hopeless || attempt >= retries || !isPassing(failure))
            throw toStoreError(cause, { server, collection, timeout })
          const delay = Math.min(firstDelay * 2 ** attempt, longestDelay) * (0.5 + Math.random())
          await new Promise((resolve) => setTimeout(resolve, Math.max(delay, failure.retryAfter * 1_000)))
        }
      }
    },
    close() {
      closed = true
    },
  }
}

async function createClient(options: QdrantOptions, timeout: number): Promise<QdrantCalls> {
  const { QdrantClient } = await import('@qdrant/js-client-rest')
  const { protocol, hostname, pathname } = new URL(options.url ?? '')
  return new QdrantClient({
    host: hostname,
    port: portOf(options.url ?? ''),
    https: protocol === 'https:',
    timeout,
    checkCompatibility: false, // it only warns, and on the console
    ...(options.apiKey === undefined ? {} : { headers: { 'api-key': options.apiKey } }), // as `apiKey` it warns on the console
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
