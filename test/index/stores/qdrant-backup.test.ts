import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { loadEncoder, openIndex, qdrant } from '../../../src/main.ts'
import { type QdrantServer, qdrantProgram, startQdrant } from '../../support/qdrant-server.ts'

const program = qdrantProgram()
if (!program) console.log('skipped: a snapshot of a Qdrant server: no qdrant on PATH')
const servers: QdrantServer[] = []
const encoder = program ? await loadEncoder() : undefined
afterAll(() => Promise.all([...servers.map((server) => server.close()), encoder?.close()]))

const madeSchema = z.object({ result: z.object({ name: z.string() }) })

async function start(): Promise<string> {
  const server = await startQdrant(program ?? '')
  servers.push(server)
  return server.url
}

describe.skipIf(!program)('a snapshot of a collection', () => {
  test('that was made while a writer wrote is restored on another server, and answers', {
    timeout: 120_000,
  }, async () => {
    if (!encoder) return
    const [from, to] = [await start(), await start()]
    const document = (i: number) => ({ id: `d${i}`, text: `Document ${i} is about number ${i}.` })
    await using source = qdrant({ url: from })
    await using index = await openIndex({ name: 'docs', encoder, store: source })
    await index.add(Array.from({ length: 40 }, (_, i) => document(i)))
    const { collection } = await index.info()

    let next = 40
    let stop = false
    const writing = (async () => {
      for (; !stop; next++) await index.add([document(next)])
    })()
    const before = next
    const made = await fetch(`${from}/collections/${collection}/snapshots`, { method: 'POST' })
    const { result } = madeSchema.parse(await made.json())
    const after = next
    stop = true
    await writing

    const snapshot = await fetch(`${from}/collections/${collection}/snapshots/${result.name}`)
    const form = new FormData()
    form.append('snapshot', await snapshot.blob(), result.name)
    const url = `${to}/collections/${collection}/snapshots/upload?priority=snapshot`
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200)
    await using target = qdrant({ url: to })
    await target.alias('docs', collection)
    await using restored = await openIndex({ name: 'docs', encoder, store: target })
    const ids = new Set<string>()
    for await (const { id } of restored.scroll()) ids.add(id)
    for (let i = 0; i < before; i++) expect(ids).toContain(`d${i}`)
    expect(ids.size).toBeLessThanOrEqual(after + 1)
    expect((await restored.search('number 7', { limit: 1 }))[0]).toMatchObject({ id: 'd7' })
    expect(await restored.add([document(7), document(100_000)])).toMatchObject({ unchanged: 1, added: 1 })
  })
})
