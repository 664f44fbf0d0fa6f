import { QdrantClient } from '@qdrant/js-client-rest'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eq } from '../../../src/index/filter/index.ts'
import { decodeKey, decodeText, encodeKey, encodeText } from '../../../src/index/stores/qdrant/json.ts'
import { uuidOf } from '../../../src/index/stores/qdrant/point-id.ts'
import { documentVector, queryVector, termIndex } from '../../../src/index/stores/qdrant/sparse.ts'
import { qdrant } from '../../../src/index/stores/qdrant.ts'
import { lexicalTerms } from '../../../src/index/text/lexical.ts'
import { seededPoints, seededSchema } from '../../support/points.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'

const subject = await openQdrant('settings')
if (!subject) console.log("skipped: Qdrant's settings: no server and no recording")
afterAll(() => subject?.close())

const schema = seededSchema(8)
const points = seededPoints(20, 8)

describe('what is stored never changes', () => {
  test('ids and terms keep their numbers', () => {
    expect(uuidOf('d1#0')).toMatchInlineSnapshot(`"fd4c1605-68ec-54c7-87b0-e8c17764e249"`)
    expect(uuidOf('\ud800')).not.toBe(uuidOf('\ufffd'))
    expect(['asthma', '東京', ''].map(termIndex)).toMatchInlineSnapshot(`
      [
        306338405,
        745305631,
        2872998923,
      ]
    `)
  })

  test('strings come back, whatever they are', () => {
    const odd = [
      '',
      '"',
      '\\',
      'a"b',
      '\ud800',
      'x\udc00y',
      '\u{1f9ea}',
      '\u{10f722}',
      '\u{10ffff}\ud83e',
      '\u{10f700}',
    ]
    for (const text of odd) {
      expect(decodeText(encodeText(text))).toBe(text)
      expect(decodeKey(encodeKey(text))).toBe(text)
      expect(encodeText(text).isWellFormed()).toBe(true)
    }
    expect(new Set(odd.map(encodeKey)).size).toBe(odd.length)
    expect(encodeText('plain, 東京, \u{1f9ea}')).toBe('plain, 東京, \u{1f9ea}')
  })

  test('a term weighs more the more often it occurs, and less in a longer text', () => {
    const weight = (text: string) => documentVector(lexicalTerms(text)).values[0] ?? 0
    expect(weight('asthma asthma')).toBeGreaterThan(weight('asthma'))
    expect(weight('asthma asthma')).toBeLessThan(2 * weight('asthma'))
    const { indices, values } = documentVector(['b', 'a', 'b'])
    expect(indices).toEqual([...indices].sort((x, y) => x - y))
    expect(values).toHaveLength(2)
    expect(queryVector(['a', 'a', 'b']).values).toEqual([1, 1])
  })
})

describe.skipIf(!subject)('settings of Qdrant', () => {
  let client: QdrantClient
  beforeEach(async () => {
    await subject?.begin(expect.getState().currentTestName ?? '')
    client = new QdrantClient({ url: subject?.url ?? '', checkCompatibility: false })
  })
  afterEach(() => subject?.end())

  test('are passed on, and searches use them', async () => {
    await using store = qdrant({
      client,
      collection: {
        shard_number: 2,
        hnsw_config: { m: 8, payload_m: 16 },
        quantization_config: { scalar: { type: 'int8', always_ram: true } },
      },
      vectors: { on_disk: true },
      fieldIndexes: { source: { type: 'keyword', is_tenant: true } },
      search: { hnsw_ef: 64, quantization: { rescore: true, oversampling: 2 } },
      consistency: 'majority',
      ordering: 'strong',
    })
    await store.ensure('docs', schema)
    await store.upsert('docs', points)
    const { config, payload_schema: indexes } = await client.getCollection('docs')
    expect(config.params).toMatchObject({ shard_number: 2, vectors: { dense: { on_disk: true, size: 8 } } })
    expect(config.hnsw_config).toMatchObject({ m: 8, payload_m: 16 })
    expect(config.quantization_config).toMatchObject({ scalar: { type: 'int8' } })
    expect(indexes['payload.source']).toMatchObject({ data_type: 'keyword', params: { is_tenant: true } })
    expect(indexes['payload.year']).toMatchObject({ data_type: 'float' })
    const [first] = points
    const vector = first?.vector ?? new Float32Array(8)
    const [hit] = await store.query('docs', { mode: 'dense', vector, limit: 1, filter: eq('source', 's0') })
    expect(hit?.point.id).toBe(first?.id)
    expect(hit?.score).toBeCloseTo(1, 5)
  })

  test('indexing waits for the end of the first load, also for that of the run after one that was killed', async () => {
    const threshold = async () => (await client.getCollection('docs')).config.optimizer_config.indexing_threshold
    await using killed = qdrant({ client, collection: { optimizers_config: { indexing_threshold: 5_000 } } })
    await killed.ensure('docs', schema)
    await killed.upsert('docs', points)
    expect(await threshold()).toBe(0)
    await using next = qdrant({ client })
    await next.ensure('docs', schema)
    await next.optimize('docs')
    expect(await threshold()).toBe(5_000)
    await client.updateCollection('docs', { optimizers_config: { indexing_threshold: 7_000 } })
    await next.optimize('docs')
    expect(await threshold()).toBe(7_000)
  })

  test('numbers come back to the last bit, and payloads lie there for people to read', async () => {
    const numbers = [0.1 + 0.2, 1 / 3, Math.PI, 5e-324, Number.MAX_VALUE, 123456.78901234567, 2 ** 53 - 1, -1.5e-7]
    await using store = qdrant({ client })
    await store.ensure('docs', schema)
    const [first] = seededPoints(1, 8)
    if (!first) throw new Error('no point')
    await store.upsert('docs', [{ ...first, payload: { numbers, source: 's' } }])
    expect((await store.get('docs', { ids: [first.id] }))[0]?.payload['numbers']).toEqual(numbers)
    for (const number of numbers) expect(await store.count('docs', { filter: eq('numbers', number) })).toBe(1)
    const [raw] = await client.retrieve('docs', { ids: [uuidOf(first.id)] })
    expect(raw?.payload).toMatchObject({
      text: first.content.text,
      payload: { source: 's' },
      qontrast: { id: first.id },
    })
  })
  test('an alias that moved to vectors of another size is followed by a store that knew the old ones', async () => {
    await using store = qdrant({ client })
    await using other = qdrant({ client })
    await store.ensure('docs', schema)
    await other.ensure('wide', seededSchema(12))
    await store.alias('live', 'docs')
    await store.upsert('live', points)
    await other.alias('live', 'wide')
    await store.upsert('live', seededPoints(3, 12))
    expect(await store.count('live')).toBe(3)
    expect(await store.count('docs')).toBe(20)
    await expect(store.upsert('live', points)).rejects.toMatchObject({ code: 'dimension-mismatch' })
    const vector = points[0]?.vector ?? new Float32Array(8)
    await expect(store.query('live', { mode: 'dense', vector, limit: 1 })).rejects.toMatchObject({
      code: 'dimension-mismatch',
    })
  })
})
