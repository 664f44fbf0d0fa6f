import { percentile } from '../support/sides.ts'
import { medquadFolder, prepareMedquad } from './search.ts'
import { autocannon, eventLoopDelay, post, startServer, statuses } from './support.ts'

const every = 10

/** Answers of thousands of vectors as numbers, of long lists of hits and of many documents, while `/health/live` is asked: none of them holds the event loop. */
export async function benchAnswers(seconds = 20): Promise<void> {
  const questions = await prepareMedquad()
  const server = await startServer(['--path', medquadFolder])
  const { url } = server
  const texts = Array.from({ length: 2_048 }, (_, i) => `word ${i}`)
  const base = '/v1/indexes/medquad'
  const kinds = {
    'vectors of 2,048 texts': post('/v1/embeddings', { model: 'default', input: texts }),
    'a page of 1,000 documents': post(`${base}/documents/scroll`, { limit: 1_000 }),
    '20 searches of 200 hits': post(`${base}/search`, { queries: questions.slice(0, 20), limit: 200 }),
  }
  for (const [what, request] of Object.entries(kinds)) {
    await autocannon({ url, requests: [request], connections: 2, duration: 2 })
    await eventLoopDelay(url)
    const lives: number[] = []
    const asking = setInterval(async () => {
      const start = performance.now()
      await fetch(`${url}/health/live`).then((response) => response.text())
      lives.push(performance.now() - start)
    }, every)
    const result = await autocannon({ url, requests: [request], connections: 2, duration: seconds, timeout: 60 })
    clearInterval(asking)
    const [delay, max] = await eventLoopDelays(url)
    const megabytes = result.throughput.total / Math.max(1, result['2xx']) / 1e6
    console.log(
      `${what}, ${megabytes.toFixed(1)} MB each, ${seconds} s: event loop p99 ${delay?.toFixed(1)} ms (goal < 20), max ${max?.toFixed(1)} ms (goal < 50), /health/live p99 ${percentile(lives, 0.99).toFixed(1)} ms, ${JSON.stringify(statuses(result))}`,
    )
  }
  await server.stop()
}

/** 99th percentile and maximum since the last look, in milliseconds: a look begins anew. */
async function eventLoopDelays(url: string): Promise<number[]> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return ['p99', 'max'].map(
    (of) => Number(new RegExp(`^nodejs_eventloop_lag_${of}_seconds (\\S+)$`, 'm').exec(text)?.[1]) * 1_000,
  )
}
