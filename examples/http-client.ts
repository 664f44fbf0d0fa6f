/** Serve an index, and call it with the typed client: paths, bodies and answers are checked by the compiler. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lancedb, loadEncoder } from 'qontrast'
import { createClient } from 'qontrast/client'
import { createKey, serve } from 'qontrast/server'

const { key, entry } = createKey({ name: 'example', scopes: ['read', 'write', 'admin'] })
const encoder = await loadEncoder()
const store = lancedb({ path: await mkdtemp(path.join(tmpdir(), 'qontrast-example-')) })
const server = await serve({ port: 0, keys: [entry], indexes: { store, encoders: { default: encoder } } })

const client = createClient(server.url, { headers: { authorization: `Bearer ${key}` } })
const { indexes } = client.v1
await indexes.$post({ json: { name: 'answers', fields: { year: 'number' } }, header: {} })
const put = await indexes[':index'].documents.$put({
  param: { index: 'answers' },
  header: {},
  json: {
    documents: [
      { id: 'asthma', text: 'Asthma is treated with inhaled corticosteroids.', payload: { year: 2019 } },
      { id: 'ticks', text: 'Remove a tick with tweezers.', payload: { year: 2021 } },
    ],
  },
})
console.log(await put.json())

const found = await indexes[':index'].search.$post({
  param: { index: 'answers' },
  header: { 'x-request-timeout': '10' },
  json: { queries: ['how is asthma treated?'], filter: { year: { gte: 2000 } } },
})
if (found.ok) {
  const { results } = await found.json()
  for (const { id, score, passage, marks } of results[0]?.hits ?? []) {
    console.log(
      id,
      score.toFixed(3),
      marks.map(([start, end]) => passage.slice(start, end)),
    )
  }
} else console.log(await found.json()) // a problem: { code, detail, … }

await server.close()
await store.close()
await encoder.close()
