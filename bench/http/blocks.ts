import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { medQuadTask } from '../../examples/medquad.ts'
import { createApp } from '../../src/api/index.ts'
import { lancedb, loadEncoder, openIndex } from '../../src/main.ts'

const tick = 5
const base = '/v1/indexes/docs'

/** The longest that each of the largest requests holds the event loop: by the main thread's own processor time, so that other processes do not count. */
export async function benchBlocks(rows = 10_000): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
  await using encoder = await loadEncoder()
  await using store = lancedb({ path: folder })
  const { documents, queries } = await medQuadTask()
  await using index = await openIndex({ name: 'docs', encoder, store })
  await index.add(
    documents.slice(0, rows).map((one) => ({ ...one, text: one.text.slice(0, 300) })),
    { chunk: false },
  )
  const app = createApp({ indexes: { store, encoders: { default: encoder } } })
  const texts = (count: number) => Array.from({ length: count }, (_, i) => queries[i % queries.length]?.text ?? '')
  const long = documents
    .slice(0, 1_000)
    .map(({ id, text }) => ({ id: `long-${id}`, text: text.repeat(50).slice(0, 7_800) }))
  const vectors = texts(1_000).map((_, i) => ({ vector: Array.from({ length: 256 }, (_, j) => Math.sin(i * j + 1)) }))
  const requests: Readonly<Record<string, readonly [string, object, string?]>> = {
    'hybrid, 50 queries for 1,000': [`${base}/search`, { queries: texts(50), limit: 1_000 }],
    'hybrid, 250 queries': [`${base}/search`, { queries: texts(250) }],
    'dense, 50 queries for 1,000': [`${base}/search`, { queries: texts(50), limit: 1_000, mode: 'dense' }],
    'dense, 2,048 queries': [`${base}/search`, { queries: texts(2_048), mode: 'dense' }],
    'BM25, 50 queries for 1,000': [`${base}/search`, { queries: texts(50), limit: 1_000, mode: 'bm25' }],
    '1,000 vectors': [`${base}/search`, { queries: vectors }],
    'scroll, a page of 1,000': [`${base}/documents/scroll`, { limit: 1_000 }],
    'embeddings, 2,048 texts as numbers': ['/v1/embeddings', { model: 'default', input: texts(2_048) }],
    'put, 1,000 documents of 7,800 characters': [`${base}/documents`, { documents: long }, 'PUT'],
  }
  const send = async (path: string, body: object, method = 'POST') => {
    const headers = { 'content-type': 'application/json', 'x-request-timeout': '300' }
    const answer = await app.request(path, { method, headers, body: JSON.stringify(body) })
    const reader = answer.body?.getReader()
    while (reader && !(await reader.read()).done) await new Promise(setImmediate)
    return answer.status
  }
  await send(`${base}/search`, { queries: texts(1) })
  console.log('| request | status | longest hold of the event loop, ms (goal ≤ 50) |\n|---|---|---|')
  for (const [name, [path, body, method]] of Object.entries(requests)) {
    const holds = watchHolds()
    const status = await send(path, body, method)
    console.log(`| ${name} | ${status} | ${(await holds.longest()).toFixed(0)} |`)
  }
  await rm(folder, { recursive: true, force: true })
}

function watchHolds(): { longest(): Promise<number> } {
  let last = performance.now()
  let used = process.threadCpuUsage()
  let longest = 0
  const timer = setInterval(() => {
    const own = process.threadCpuUsage(used)
    const now = performance.now()
    longest = Math.max(longest, Math.min(now - last - tick, (own.user + own.system) / 1_000))
    last = now
    used = process.threadCpuUsage()
  }, tick)
  return {
    async longest() {
      await new Promise((resolve) => setTimeout(resolve, 10 * tick))
      clearInterval(timer)
      return longest
    },
  }
}
