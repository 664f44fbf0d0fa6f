import { tmpdir } from 'node:os'
import path from 'node:path'
import { medQuadTask } from '../../examples/medquad.ts'
import { loadEncoder, openIndex } from '../../src/main.ts'
import { autocannon, eventLoopDelay, post, startServer, statuses } from './support.ts'

export const medquadFolder = path.join(tmpdir(), 'qontrast-bench-medquad')

/** MedQuAD with the bundled encoder, kept from run to run; gives its questions. */
export async function prepareMedquad(): Promise<string[]> {
  const { documents, queries } = await medQuadTask()
  await using encoder = await loadEncoder()
  await using index = await openIndex({ name: 'medquad', encoder, path: medquadFolder })
  await index.add(documents)
  return queries.map(({ text }) => text)
}

/** Searches at a fixed rate, whatever the answers take. */
export async function benchSearch(amount = 10_000): Promise<void> {
  const questions = await prepareMedquad()
  const server = await startServer(['--path', medquadFolder])
  const requests = questions.map((question) => post('/v1/indexes/medquad/search', { queries: [question] }))
  const settings = { url: server.url, requests, connections: 32, overallRate: 100 }
  await autocannon({ ...settings, amount: 200 })
  await eventLoopDelay(server.url)
  const result = await autocannon({ ...settings, amount })
  const delay = await eventLoopDelay(server.url)
  const { p50, p99, max } = result.latency
  console.log(
    `search, MedQuAD, LanceDB, bundled encoder, ${amount} requests at 100/s: p50 ${p50} ms (goal ≤ 15), p99 ${p99} ms (goal ≤ 50), max ${max} ms, event loop p99 ${delay.toFixed(1)} ms (goal < 20), ${JSON.stringify(statuses(result))}`,
  )
  await server.stop()
}
