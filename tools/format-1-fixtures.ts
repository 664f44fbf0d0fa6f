import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { z } from 'zod'

/**
 * Makes `test/fixtures/format-1` with a checkout of version 0.1.0: indexes as people have them on disk.
 * `node tools/format-1-fixtures.ts CHECKOUT [QDRANT_URL]`; with a server, what 0.1.0 puts there is dumped too.
 */
const [checkout = '', qdrantUrl] = process.argv.slice(2)
const old: typeof import('../src/main.ts') = await import(pathToFileURL(path.resolve(checkout, 'src/main.ts')).href)
const folder = fileURLToPath(new URL('../test/fixtures/format-1/', import.meta.url))
const data = path.join(folder, 'lancedb')

const long = Array.from(
  { length: 30 },
  (_, i) => `Paragraph ${i}: asthma is treated with inhaled corticosteroids, and step ${i} of the plan says when.`,
).join('\n\n')

const notes = [
  { id: 'asthma', title: 'Asthma', text: 'Asthma is treated with inhalers.', payload: { year: 2019, source: 'NHLBI' } },
  { id: 'ticks', title: 'Tick bites', text: 'Remove a tick with tweezers.', payload: { year: 2001, source: 'CDC' } },
  { id: 'long', title: 'A plan', text: long, payload: { year: 2020, source: 'NHLBI' } },
  { id: 'kana', text: 'コーヒーはがんの予防に役立ちますか。', payload: { source: 'jp' } },
  { id: 'plane', text: '𠀋 and 𠂊 are characters of an extension plane.', payload: {} },
  { id: 'sigma', text: 'Ο ΣΊΣΥΦΟΣ έσπρωχνε τον βράχο.', payload: {} },
  { id: 'emoji', text: '🦆🦆', payload: {} },
  { id: 'docs/guide.md', title: 'Guide', text: '# Guide\n\nHow to install it.', payload: { path: 'docs/guide.md' } },
  { id: 'row-1', text: 'A row of a table.', payload: { path: 'table.csv', year: 1999 } },
]
const small = notes.slice(0, 3).map(({ id, text }) => ({ id, text }))

/** By the names that the indexes keep, so that the tests find the models again from the root of the repo. */
const indexes = [
  { name: 'notes', model: 'default', documents: notes, fields: { year: 'number', source: 'keyword' } as const },
  { name: 'small', model: 'test/fixtures/models/bert-plain', documents: small, fields: {} },
]

await rm(data, { recursive: true, force: true })
const stores = [old.lancedb({ path: data }), ...(qdrantUrl ? [old.qdrant({ url: qdrantUrl })] : [])]
for (const store of stores) {
  for (const { name, model, documents, fields } of indexes) {
    const encoder = await old.loadEncoder(model, { device: 'cpu' })
    const index = await old.openIndex({ name, encoder, store, fields })
    const report = await index.add(documents)
    console.log(store.name, name, report)
    await encoder.close()
  }
  await store.close()
}
const any = z.record(z.string(), z.unknown())
const aliasesSchema = z.object({ aliases: z.array(z.object({ alias_name: z.string(), collection_name: z.string() })) })
const collectionSchema = z.object({
  config: z.object({ params: z.object({ vectors: any, sparse_vectors: any }), metadata: any }),
  payload_schema: any,
})
const pointsSchema = z.object({ points: z.array(any) })

async function dump(url: string): Promise<void> {
  async function ask<T>(schema: z.ZodType<T>, route: string, body?: object): Promise<T> {
    const response = await fetch(`${url}/${route}`, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return z.object({ result: schema }).parse(await response.json()).result
  }
  const { aliases } = await ask(aliasesSchema, 'aliases')
  const collections = []
  for (const { name } of indexes) {
    const collection = `${name}.1`
    const { config, payload_schema } = await ask(collectionSchema, `collections/${collection}`)
    const { vectors, sparse_vectors } = config.params
    const { points } = await ask(pointsSchema, `collections/${collection}/points/scroll`, {
      limit: 1000,
      with_payload: true,
      with_vector: true,
    })
    const create = { vectors, sparse_vectors, metadata: config.metadata }
    collections.push({ name: collection, create, indexes: payload_schema, points })
  }
  await mkdir(folder, { recursive: true })
  const own = aliases.filter(({ alias_name }) => indexes.some(({ name }) => name === alias_name))
  await writeFile(
    path.join(folder, 'qdrant.json.br'),
    brotliCompressSync(JSON.stringify({ aliases: own, collections })),
  )
}

if (qdrantUrl) await dump(qdrantUrl)
