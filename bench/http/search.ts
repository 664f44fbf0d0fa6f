import { tmpdir } from 'node:os'
import path from 'node:path'
import { medQuadTask } from '../../examples/medquad.ts'
import { loadEncoder, openIndex } from '../../src/main.ts'
import { percentile } from '../support/sides.ts'
import { openLoop } from './open-loop.ts'
import { eventLoopDelay, post, startServer } from './support.ts'

export const medquadFolder = path.join(tmpdir(), 'qontrast-bench-medquad')

/** MedQuAD with the bundled encoder, kept from run to run; gives its questions. */
export async function prepareMedquad(): Promise<string[]> {
  const { documents, queries } = await medQuadTask()
  await using encoder = await loadEncoder()
  await using index = await openIndex({ name: 'medquad', encoder, path: medquadFolder })
  await index.add(documents)
  return queries.map(({ text }) => text)
}

/** Searches at random moments, a hundred a second, whatever the answers take. */
export async function benchSearch(amount = 10_000): Promise<void> {
  const questions = await prepareMedquad()
  const server = await startServer(['--path', medquadFolder])
  const requests = questions.map((question) => post('/v1/indexes/medquad/search', { queries: [question] }))
  const settings = { url: server.url, requests, rate: 100 }
  await openLoop({ ...settings, amount: 200 })
  await eventLoopDelay(server.url)
  const { latencies, statuses } = await openLoop({ ...settings, amount })
  const delay = await eventLoopDelay(server.url)
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(latencies, share).toFixed(1))
  console.log(
    `search, MedQuAD, LanceDB, bundled encoder, ${amount} requests at 100/s: p50 ${p50} ms (goal ≤ 15), p99 ${p99} ms (goal ≤ 50), max ${max} ms, event loop p99 ${delay.toFixed(1)} ms (goal < 20), ${JSON.stringify(statuses)}`,
  )
  await server.stop()
}
