import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Encoder, loadEncoder, openIndex, type QdrantOptions, qdrant } from '../../src/main.ts'
import { killDocument } from '../support/add-worker.ts'
import { freePort, type QdrantServer, qdrantProgram, startQdrant } from '../support/qdrant-server.ts'

const program = qdrantProgram()
if (!program) console.log('skipped: a cluster of Qdrant: no qdrant on PATH')
const total = 900
const patience = 240_000

/** What docs/qdrant.md recommends for three machines: a machine may be lost without a search or a write failing. */
const settings = {
  collection: { shard_number: 6, replication_factor: 2, write_consistency_factor: 1 },
  retries: 10,
} satisfies Omit<QdrantOptions, 'url' | 'apiKey' | 'client'>

describe.skipIf(!program)('three Qdrant nodes on one machine', () => {
  const nodes: QdrantServer[] = []
  let encoder: Encoder
  beforeAll(async () => {
    encoder = await loadEncoder()
    const ports = [await freePort(), await freePort(), await freePort()]
    const uris = ports.map((port) => `http://127.0.0.1:${port}`)
    for (const [i, port] of ports.entries()) {
      const cluster = { CLUSTER__ENABLED: 'true', CLUSTER__P2P__PORT: String(port) }
      const args = ['--uri', uris[i] ?? '', ...(i === 0 ? [] : ['--bootstrap', uris[0] ?? ''])]
      nodes.push(await startQdrant(program ?? '', cluster, args))
    }
  }, patience)
  afterAll(async () => {
    await encoder.close()
    await Promise.all(nodes.map((node) => node.close()))
  })

  const at = (node: number, options: object = {}) => qdrant({ url: nodes[node]?.url ?? '', ...settings, ...options })
  const documents = Array.from({ length: total }, (_, i) => killDocument(i))
  const queries = ['document about number 5', 'sentences about number 300', 'number 77']

  async function answers(node: number): Promise<string[][]> {
    await using store = at(node)
    await using index = await openIndex({ name: 'docs', encoder, store })
    const lists = await index.searchMany(queries, { mode: 'dense', limit: 5, exact: true })
    return lists.map((hits) => hits.map(({ id }) => id))
  }

  test(
    'hold one index, answer alike, and go on while one of them is away',
    async () => {
      const half = total / 2
      await using first = at(0)
      await using second = at(1)
      await first.list()
      {
        await using index = await openIndex({ name: 'docs', encoder, store: first })
        await index.add(documents.slice(0, 50)) // makes the collection
        await using other = await openIndex({ name: 'docs', encoder, store: second })
        await Promise.all([index.add(documents.slice(0, half)), other.add(documents.slice(half - 100, half + 100))])
        expect(await other.count()).toBe(half + 100)
      }
      const expected = await answers(0)
      expect(await answers(1)).toEqual(expected)
      expect(await answers(2)).toEqual(expected)

      await nodes[2]?.kill()
      expect(await answers(0)).toEqual(expected)
      {
        await using index = await openIndex({ name: 'docs', encoder, store: second })
        const report = await index.add(documents)
        expect(report.failedCount).toBe(0)
        expect(await index.count()).toBe(total)
      }

      await nodes[2]?.start()
      await using whole = at(2, { consistency: 'majority' })
      await using index = await openIndex({ name: 'docs', encoder, store: whole })
      const ids = new Set<string>()
      for await (const { id } of index.scroll()) ids.add(id)
      expect(ids).toEqual(new Set(documents.map(({ id }) => id)))
      expect(await answers(2)).toEqual(await answers(1))
    },
    patience,
  )
})
