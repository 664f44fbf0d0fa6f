import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { medquadFolder, prepareMedquad } from './search.ts'
import { autocannon, metric, post, slopePerMinute, startServer, statuses } from './support.ts'

const base = '/v1/indexes/medquad'

/** Searches, puts and deletes at 80 % of what the server can do: no failure, and nothing grows. */
export async function benchMixed(seconds = 150): Promise<void> {
  const questions = await prepareMedquad()
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
  await cp(medquadFolder, folder, { recursive: true })
  const server = await startServer(['--path', folder])
  const { url } = server
  const requests = questions.slice(0, 200).flatMap((question, i) => [
    ...Array.from({ length: 8 }, (_, j) =>
      post(`${base}/search`, { queries: [questions[(i * 8 + j) % questions.length]] }),
    ),
    {
      ...post(`${base}/documents`, { documents: [{ id: `bench-${i}`, text: `${question} ${i}` }] }),
      method: 'PUT' as const,
    },
    post(`${base}/documents/delete`, { ids: [`bench-${i}`] }),
  ])
  const alone = await autocannon({ url, requests, connections: 8, duration: 15 })
  const rate = Math.max(1, Math.floor((alone['2xx'] / alone.duration) * 0.8))

  const memory: number[] = []
  const files: number[] = []
  const sampling = setInterval(async () => {
    memory.push((await metric(url, 'process_resident_memory_bytes')) / 1e6)
    files.push(await metric(url, 'process_open_fds'))
  }, 1_000)
  const result = await autocannon({ url, requests, connections: 32, overallRate: rate, duration: seconds, timeout: 60 })
  clearInterval(sampling)
  console.log(
    `mixed, 8 searches, 1 put, 1 delete, ${rate}/s (80 % of ${(alone['2xx'] / alone.duration).toFixed(1)}/s) for ${seconds} s: ${JSON.stringify(statuses(result))}, p50 ${result.latency.p50} ms, p99 ${result.latency.p99} ms, ` +
      `RSS ${memory[0]?.toFixed(0)} → ${memory.at(-1)?.toFixed(0)} MB (${slopePerMinute(memory).toFixed(1)} MB a minute), file handles ${files[0]} → ${files.at(-1)} (${slopePerMinute(files).toFixed(1)} a minute)`,
  )
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
