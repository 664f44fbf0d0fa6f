import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { z } from 'zod'

const json = z.record(z.string(), z.unknown())
const dumpSchema = z.object({
  aliases: z.array(z.object({ alias_name: z.string(), collection_name: z.string() })),
  collections: z.array(
    z.object({
      name: z.string(),
      create: json,
      indexes: z.record(z.string(), z.looseObject({ data_type: z.string(), params: json.optional() })),
      points: z.array(json),
    }),
  ),
})

/** Puts collections on a server as `tools/format-1-fixtures.ts` found them there, in place of all that it holds. */
export async function restoreQdrant(url: string, file: string): Promise<void> {
  const { aliases, collections } = dumpSchema.parse(JSON.parse(brotliDecompressSync(readFileSync(file)).toString()))
  const send = async (method: string, route: string, body: object) => {
    const response = await fetch(`${url}/${route}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`)
  }
  const there = z.object({ result: z.object({ collections: z.array(z.object({ name: z.string() })) }) })
  const { result } = there.parse(await (await fetch(`${url}/collections`)).json())
  for (const { name } of result.collections) await send('DELETE', `collections/${name}`, {})
  for (const { name, create, indexes, points } of collections) {
    await send('PUT', `collections/${name}`, create)
    for (const [field_name, { data_type, params }] of Object.entries(indexes))
      await send('PUT', `collections/${name}/index?wait=true`, { field_name, field_schema: params ?? data_type })
    await send('PUT', `collections/${name}/points?wait=true`, { points })
  }
  const actions = aliases.map((alias) => ({ create_alias: alias }))
  await send('POST', 'collections/aliases', { actions })
}
