import { sharedPath, textsOf } from '../support/data.ts'
import { autocannon, embeddingRequests, metric, startServer, statuses } from './support.ts'

const size = 8
/** A queue of a few seconds, so that clients need not be thousands to fill it. */
const limits = { queuedCost: 8_192 }
const restSeconds = 10
const deadlineSeconds = 30

/** Ten times what the server can do: nothing but 200 and 429, hardly less done, and back to normal soon. */
export async function benchOverload(seconds = 60): Promise<void> {
  const model = sharedPath('models', 'all-minilm-l6-v2')
  const texts = (await textsOf['banking77']?.()) ?? []
  const requests = embeddingRequests(texts, size).map((request) => ({
    ...request,
    headers: { ...request.headers, 'x-request-timeout': String(deadlineSeconds) },
  }))
  const server = await startServer(['--model', `minilm=${model}`], { QONTRAST_LIMITS: JSON.stringify(limits) })
  const { url } = server
  await autocannon({ url, requests, connections: 32, duration: 3 })
  const alone = await autocannon({ url, requests, connections: 32, duration: 12 })
  const capacity = alone['2xx'] / alone.duration
  const rate = Math.round(capacity * 10)
  const before = await metric(url, 'process_resident_memory_bytes')
  const calm = await oneRequest(url, requests[0])

  const result = await autocannon({
    url,
    requests,
    connections: Math.min(1_000, rate), // autocannon gives each a whole number of requests a second
    overallRate: rate,
    duration: seconds,
    timeout: deadlineSeconds + 5,
  })
  const over = performance.now()
  while ((await oneRequest(url, requests[0])) > 2 * calm + 20);
  const recovery = (performance.now() - over) / 1_000
  await new Promise((resolve) => setTimeout(resolve, restSeconds * 1_000))
  const after = await metric(url, 'process_resident_memory_bytes')
  const done = result['2xx'] / result.duration
  console.log(
    `overload, ${size} texts a request: capacity ${capacity.toFixed(1)} requests/s; at ${rate}/s for ${seconds} s: ${JSON.stringify(statuses(result))}, ` +
      `${done.toFixed(1)} done/s (${(done / capacity).toFixed(2)} of capacity, goal ≥ 0.9), slowest ${result.latency.max} ms, recovery ${recovery.toFixed(1)} s (goal ≤ 5), ` +
      `RSS ${(before / 1e6).toFixed(0)} → ${(after / 1e6).toFixed(0)} MB (goal ± 50)`,
  )
  await server.stop()
}

async function oneRequest(url: string, request: autocannon.Request | undefined): Promise<number> {
  const start = performance.now()
  const { method = 'POST', path = '/', headers, body } = request ?? {}
  const sent = {
    method,
    body: String(body),
    headers: Object.entries(headers ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
  }
  await (await fetch(url + path, sent)).arrayBuffer()
  return performance.now() - start
}
