import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Table } from '@lancedb/lancedb'
import { systemCodeOf } from '../../../shared/index.ts'
import type { CollectionParts, CollectionSchema } from '../store.ts'
import { loadLibrary } from './load-library.ts'
import { numberColumns } from './rows.ts'

export interface MaintenanceOptions {
  /** Points from which on a vector index is built; below, comparing with every vector is as fast. */
  readonly approximateFrom: number
}

/** Scalar indexes pay from about this many points on. */
const scalarIndexesFrom = 2_000

/** What a new table needs at once: the key that keeps two processes from inserting one id twice, and the lexical index. */
export async function createIndexes(table: Table): Promise<void> {
  const { Index } = await loadLibrary()
  await setKey(table, 'id')
  const config = Index.fts({
    baseTokenizer: 'whitespace', // the terms are our own already
    lowercase: false,
    stem: false,
    removeStopWords: false,
    asciiFolding: false,
    withPosition: false,
    maxTokenLength: 300,
  })
  if (!(await indexedColumns(table)).has('terms')) await table.createIndex('terms', { config })
}

/** The key that keeps two processes from inserting one row twice. */
export async function setKey(table: Table, column: string): Promise<void> {
  if (await isKeyed(table)) return
  await table.setUnenforcedPrimaryKey(column).catch(async (error: unknown) => {
    if (!(await isKeyed(table))) throw error // else another process was first
  })
}

async function isKeyed(table: Table): Promise<boolean> {
  const { fields } = await table.schema()
  return fields.some(({ metadata }) => [...metadata.keys()].some((key) => key.includes('primary-key')))
}

/** More segments than these are made one again. */
const mostSegments = 3
const mostFragments = 32
const nothing = { fragments: 0, versions: 0 }
/** Reads of how many parts a table is, which lies in the folder. */
export async function partsOf(table: Table, folder: string): Promise<CollectionParts> {
  const [{ numRows, fragmentStats }, indices, versions] = await Promise.all([
    table.stats(),
    table.listIndices(),
    readdir(path.join(folder, '_versions')).catch(() => []),
  ])
  return {
    points: numRows,
    fragments: fragmentStats.numFragments,
    vectorSegments: indices.find(isVectorIndex)?.numSegments ?? 0,
    unindexed: Math.max(0, ...indices.map(({ numUnindexedRows }) => numUnindexedRows ?? 0)),
    versions: versions.length,
  }
}

/** Writes that a table takes before it is merged: merging reads the whole lexical index, so it waits for a share of the table. */
function mostWrites(points: number): number {
  return Math.max(100, points / 200)
}

/** Rows that may be in no index: comparing with each of them stays a small part of what a search takes, and hardly changes what words weigh. */
function mostUnindexed(points: number): number {
  return Math.min(points / 50, mostWrites(points))
}

/** Whether merging pays. `settled` is what the last merge left: what it could not join or free is not tried again at once. */
export function isDue(
  parts: CollectionParts,
  settled: Pick<CollectionParts, 'fragments' | 'versions'> = nothing,
): boolean {
  return (
    parts.unindexed > mostUnindexed(parts.points) ||
    parts.vectorSegments > mostSegments ||
    parts.fragments - settled.fragments > mostFragments ||
    parts.versions - settled.versions > mostWrites(parts.points)
  )
}

/** Takes new rows into the indexes, adds those that pay by now, merges what came apart, and frees versions from before `keepSince`. */
export async function merge(
  table: Table,
  schema: CollectionSchema,
  { approximateFrom, keepSince }: MaintenanceOptions & { readonly keepSince: () => Date },
): Promise<void> {
  const { Index } = await loadLibrary()
  const outgrown = await hasOutgrown(table)
  await table.optimize({ cleanupOlderThan: keepSince() })
  const points = await table.countRows()
  const indexed = await indexedColumns(table)
  const wanted = [
    { column: 'id', from: scalarIndexesFrom, config: Index.btree() },
    { column: 'document', from: scalarIndexesFrom, config: Index.btree() },
    { column: 'facets', from: scalarIndexesFrom, config: Index.labelList() },
    ...[...numberColumns(schema).values()].map((column) => ({
      column,
      from: scalarIndexesFrom,
      config: Index.btree(),
    })),
  ]
  for (const { column, from, config } of wanted) {
    if (points >= from && !indexed.has(column)) await table.createIndex(column, { config })
  }
  // Whole vectors in partitions of about 8,000: no loss within a partition, and up to 160,000 points all partitions are searched.
  if (points >= approximateFrom && (outgrown || !indexed.has('vector'))) {
    await table.createIndex('vector', { config: Index.ivfFlat({ distanceType: 'cosine' }) })
  }
  await table.optimize({ cleanupOlderThan: keepSince() })
  await table.optimize({ cleanupOlderThan: keepSince() }) // it frees before it indexes: what the last one left behind
}

/** LanceDB only ever adds segments, and cuts partitions for the points that were there: with many segments, or half as many new points, it is made anew. */
async function hasOutgrown(table: Table): Promise<boolean> {
  const index = (await table.listIndices()).find(isVectorIndex)
  if (!index) return false
  const { numIndexedRows = 0, numUnindexedRows = 0, numSegments = 1 } = index
  return numUnindexedRows > numIndexedRows / 2 || numSegments > mostSegments
}

function isVectorIndex({ columns }: { readonly columns: readonly string[] }): boolean {
  return columns.includes('vector')
}

async function indexedColumns(table: Table): Promise<Set<string>> {
  return new Set((await table.listIndices()).flatMap(({ columns }) => columns))
}

/** Size of a folder with everything below it; 0 for one that is gone. */
export async function bytesOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return []
    throw error
  })
  const sizes = await Promise.all(
    names.map((name) =>
      stat(path.join(folder, name)).then(
        (entry) => (entry.isFile() ? entry.size : 0),
        () => 0, // merged away meanwhile
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
