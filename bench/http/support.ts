import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Served {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** `qontrast serve` as its users run it: a process of its own, with the setting of glibc that deploy/ has too. */
export async function startServer(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, MALLOC_TRIM_THRESHOLD_: '131072', ...settings },
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url } = JSON.parse(line)
      if (msg === 'serving') resolve(url)
    })
  })
  return { url, pid: child.pid ?? 0, stop: () => stop(child) }
}

export async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

/** A figure of `/metrics`. */
export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

/** Milliseconds, 99th percentile since the last call; the timer that measures it fires every 2 ms and counts them. */
export async function eventLoopDelay(url: string): Promise<number> {
  return (await metric(url, 'nodejs_eventloop_lag_p99_seconds')) * 1_000
}

export const post = (path: string, body: object) => ({
  method: 'POST' as const,
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** Embedding requests of so many texts each, as OpenAI's client sends them. */
export function embeddingRequests(
  texts: readonly string[],
  size: number,
  path = '/v1/embeddings',
): autocannon.Request[] {
  return Array.from({ length: Math.floor(texts.length / size) }, (_, i) =>
    post(path, { model: 'minilm', input: texts.slice(i * size, (i + 1) * size), encoding_format: 'base64' }),
  )
}

/** Statuses and how often each came; `none` for requests that got no answer. */
export function statuses({ statusCodeStats, errors, timeouts }: autocannon.Result): Record<string, number> {
  const counts = Object.entries(statusCodeStats ?? {}).map(([status, { count }]) => [status, count ?? 0])
  return { ...Object.fromEntries(counts), ...(errors + timeouts > 0 ? { none: errors + timeouts } : {}) }
}

/** Least-squares slope, per minute, of samples taken every second. */
export function slopePerMinute(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length
  const products = samples.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0)
  const squares = samples.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
  return (products / squares) * 60
}

export { autocannon }
