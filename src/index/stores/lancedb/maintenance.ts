import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Table } from '@lancedb/lancedb'
import { systemCodeOf } from '../../../shared/index.ts'
import type { CollectionSchema } from '../../store.ts'
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

/** Takes new rows into the indexes, adds those that pay by now, merges small files, and frees what no version needs any more. */
export async function maintain(
  table: Table,
  schema: CollectionSchema,
  { approximateFrom }: MaintenanceOptions,
): Promise<void> {
  const { Index } = await loadLibrary()
  const outgrown = await hasOutgrown(table, 'vector')
  await table.optimize()
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
  await table.optimize({ cleanupOlderThan: new Date() })
}

/** Partitions are cut for the points that were there: with half as many new ones, they are cut anew. */
async function hasOutgrown(table: Table, column: string): Promise<boolean> {
  const index = (await table.listIndices()).find(({ columns }) => columns.includes(column))
  return index !== undefined && (index.numUnindexedRows ?? 0) > (index.numIndexedRows ?? 0) / 2
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
