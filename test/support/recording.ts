import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import path from 'node:path'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'

interface Exchange {
  /** Which test it belongs to. */
  readonly scene: string
  /** Method, path and the hash of the canonical body. */
  readonly request: string
  readonly status: number
  readonly answer: unknown
}

interface Header {
  readonly server: string
  readonly recorded: string
}

export interface RecordingProxy {
  readonly url: string
  /** Begins a test; its requests are looked up, or written down, under this name. */
  begin(scene: string): void
  /** Ends it; throws where something was asked that the recording does not have. */
  end(): void
  close(): Promise<void>
}

export interface Recording extends Header {
  readonly exchanges: readonly Exchange[]
}

/** Passes everything on to a server and writes down what it answers; `save` keeps that in a file. */
export async function record(
  server: string,
  version: string,
  file: string,
): Promise<RecordingProxy & { save(): void }> {
  const exchanges: Exchange[] = []
  const proxy = await listen(async (scene, message, body) => {
    const response = await fetch(`${server}${message.url}`, {
      method: message.method ?? 'GET',
      headers: { 'content-type': 'application/json', ...keyHeader(message) },
      ...(body === '' ? {} : { body }),
    })
    const answer = withoutTime(parse(await response.text()))
    exchanges.push({ scene, request: keyOf(message, body), status: response.status, answer })
    return { status: response.status, answer }
  })
  return {
    ...proxy,
    save() {
      mkdirSync(path.dirname(file), { recursive: true })
      const header: Header = { server: `Qdrant ${version}`, recorded: new Date().toISOString().slice(0, 10) }
      const lines = [header, ...exchanges].map((line) => JSON.stringify(line)).join('\n')
      const window = { params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 9 } }
      writeFileSync(file, brotliCompressSync(lines, window))
    },
  }
}

export function readRecording(file: string): Recording | undefined {
  if (!existsSync(file)) return undefined
  const [header = '{}', ...lines] = brotliDecompressSync(readFileSync(file)).toString().split('\n')
  const { server, recorded }: Header = JSON.parse(header)
  return { server, recorded, exchanges: lines.map(parseKeeping) }
}

/** Answers as the server did: the first time a request comes with its first answer, and so on. */
export async function replay({ exchanges, server }: Recording): Promise<RecordingProxy> {
  const answers = Map.groupBy(exchanges, ({ scene, request }) => `${scene}\n${request}`)
  const unknown: string[] = []
  const proxy = await listen(async (scene, message, body) => {
    const request = keyOf(message, body)
    const next = answers.get(`${scene}\n${request}`)?.shift()
    if (next) return next
    unknown.push(`${request}\n${body.slice(0, 500)}`)
    return { status: 418, answer: { status: { error: `${server} was never asked this: ${request}` } } }
  })
  return {
    ...proxy,
    end() {
      const asked = unknown.splice(0)
      if (asked.length > 0) throw new Error(`not in the recording:\n${asked.join('\n')}`)
    },
  }
}

type Answer = (
  scene: string,
  message: IncomingMessage,
  body: string,
) => Promise<{ readonly status: number; readonly answer: unknown }>

async function listen(answer: Answer): Promise<RecordingProxy> {
  let scene = ''
  const server = createServer(async (message, response) => {
    const body = Buffer.concat(await Array.fromAsync(message)).toString()
    const { status, answer: content } = await answer(scene, message, body)
    const plain = typeof content === 'string'
    response
      .writeHead(status, { 'content-type': plain ? 'text/plain' : 'application/json' })
      .end(plain ? content : JSON.stringify(content))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '',
    begin(name) {
      scene = name
    },
    end() {},
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function keyOf({ method, url }: IncomingMessage, body: string): string {
  const canonical = body === '' ? '' : JSON.stringify(sorted(JSON.parse(body)))
  return `${method} ${url} ${createHash('sha256').update(canonical).digest('base64url').slice(0, 16)}`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}

function keyHeader({ headers }: IncomingMessage): Record<string, string> {
  const key = headers['api-key']
  return typeof key === 'string' ? { 'api-key': key } : {}
}

/** Integers that no number holds stay as they are written; a refusal comes as plain words. */
function parse(text: string): unknown {
  try {
    return parseKeeping(text)
  } catch {
    return text
  }
}

function parseKeeping(text: string) {
  const rawJson: unknown = Reflect.get(JSON, 'rawJSON')
  return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) && typeof rawJson === 'function'
      ? rawJson(context?.source)
      : value,
  )
}

/** How long it took says nothing when it is played again. */
function withoutTime(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null && 'time' in answer ? { ...answer, time: 0 } : answer
}
