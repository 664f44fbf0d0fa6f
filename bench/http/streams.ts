import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { medQuadTask } from '../../examples/medquad.ts'
import { metric, post, startServer } from './support.ts'

const putSize = 500
const base = '/v1/indexes'
const ndjson = { 'content-type': 'application/x-ndjson' }

interface Given {
  readonly id: string
  readonly text: string
}

/** As many documents in one body as in puts of 500, and line by line. */
export async function benchStreams(amount = 10_000): Promise<void> {
  const { documents } = await medQuadTask()
  const given = Array.from({ length: amount }, (_, i) => ({
    id: `d${i}`,
    text: documents[i % documents.length]?.text.slice(0, 1_500) ?? '',
  }))
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
  const server = await startServer(['--path', folder])
  const { url } = server
  const send = (to: string, request: RequestInit) => fetch(url + to, request)

  async function timed(name: string, work: (at: string) => Promise<void>): Promise<number> {
    await send(base, post(base, { name }))
    const start = performance.now()
    await work(`${base}/${name}/documents`)
    const seconds = (performance.now() - start) / 1_000
    await send(`${base}/${name}`, { method: 'DELETE' })
    return seconds
  }

  const inPuts = () =>
    timed('puts', async (at) => {
      for (let i = 0; i < amount; i += putSize) {
        const { headers, body } = post(at, { documents: given.slice(i, i + putSize) })
        await (await send(at, { method: 'PUT', headers, body })).arrayBuffer()
      }
    })
  const inOneBody = () =>
    timed('stream', async (at) => {
      const body = given.map(toLine).join('')
      await stored(await send(at, { method: 'POST', headers: ndjson, body }), amount)
    })
  const few = given.slice(0, Math.ceil(amount / 10))
  const lineByLine = () =>
    timed('lines', async (at) => {
      const lines = ReadableStream.from(few.map((document) => new TextEncoder().encode(toLine(document))))
      await stored(await send(at, { method: 'POST', headers: ndjson, body: lines, duplex: 'half' }), few.length)
    })

  await inPuts()
  for (let round = 1; round <= 3; round++) {
    const before = await metric(url, 'process_resident_memory_bytes')
    const [puts, stream, lines] = [await inPuts(), await inOneBody(), await lineByLine()]
    const after = await metric(url, 'process_resident_memory_bytes')
    console.log(
      `streams, round ${round}: ${amount} documents in puts of ${putSize}: ${puts.toFixed(1)} s; in one body: ${stream.toFixed(1)} s ` +
        `(× ${(stream / puts).toFixed(2)}, goal ≤ 1); ${few.length} line by line: ${(few.length / lines).toFixed(0)} documents/s of ${(amount / puts).toFixed(0)}; ` +
        `RSS ${(before / 1e6).toFixed(0)} → ${(after / 1e6).toFixed(0)} MB`,
    )
  }
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

const toLine = (document: Given) => `${JSON.stringify(document)}\n`

async function stored(answer: Response, amount: number): Promise<void> {
  const lines = (await answer.text()).split('\n').filter((line) => line.includes('"status":"stored"'))
  if (lines.length !== amount) throw new Error(`${lines.length} of ${amount} lines are stored`)
}
