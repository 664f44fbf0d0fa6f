import { openAccess } from './qdrant/access.ts'
import { createCatalog } from './qdrant/catalog.ts'
import type { Described } from './qdrant/collections.ts'
import { type Connection, connectTo } from './qdrant/connection.ts'
import { checkQdrantOptions, type QdrantOptions } from './qdrant/options.ts'
import { createReads } from './qdrant/reads.ts'
import { createWrites } from './qdrant/writes.ts'
import type { VectorStore } from './store.ts'

export type { ForeignOptions, QdrantOptions } from './qdrant/options.ts'

/** A Qdrant server, 1.16 or newer: `qdrant({ url: 'http://localhost:6333' })`. */
export function qdrant(options: QdrantOptions): VectorStore {
  checkQdrantOptions(options)
  return storeOn(connectTo(options), options, new Map())
}

function storeOn(connection: Connection, options: QdrantOptions, described: Map<string, Described>): VectorStore {
  const access = openAccess(connection, options, described)
  const close = async () => connection.close()
  return {
    name: `qdrant:${connection.server}`,
    capabilities: { aliases: true, approximate: true, upkeep: false },
    ...createCatalog(access),
    ...createReads(access),
    ...createWrites(access),
    within: (signal) => storeOn(connection.within(signal), options, described),
    close,
    [Symbol.asyncDispose]: close,
  }
}
