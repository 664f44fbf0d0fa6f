import type { Point } from '../store.ts'
import { type Described, findCollection } from './collections.ts'
import type { Connection } from './connection.ts'
import { recordKey } from './layout.ts'
import type { QdrantOptions } from './options.ts'

/** Texts that tell how long a usual one is. */
const enough = 64

/**
 * What a collection is like, with how many terms a usual text of it has: the mean of the first texts that are put together. It is kept with the
 * collection for good, so that equal texts have equal scores whenever they are put.
 */
export async function withUsualTerms(
  connection: Connection,
  name: string,
  { described, points, options }: { described: Described; points: readonly Point[]; options: QdrantOptions },
): Promise<Described> {
  const lengths = points.map(({ terms }) => terms.length).filter((length) => length > 0)
  if (described.usualTerms !== undefined || !described.layout.ours || lengths.length < enough) return described
  const now = await findCollection(connection, name, options) // another process may have said it
  const kept: unknown = now?.info.config.metadata?.[recordKey]
  if (!now || now.usualTerms !== undefined || typeof kept !== 'object') return now ?? described
  const usualTerms = Math.round(lengths.reduce((sum, length) => sum + length, 0) / lengths.length)
  await connection.call(name, async (client) => {
    const { aliases } = await client.getAliases()
    const collection = aliases.find(({ alias_name: alias }) => alias === name)?.collection_name ?? name
    await client.updateCollection(collection, { metadata: { [recordKey]: { ...kept, usualTerms } } })
  })
  return { ...now, usualTerms }
}
