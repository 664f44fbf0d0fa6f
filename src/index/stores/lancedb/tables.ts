import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Connection, Table } from '@lancedb/lancedb'
import type { Schema } from 'apache-arrow'

/** Another process may make the same table at the same moment, or may have been killed before it wrote the pointer. */
export async function createOrOpen(db: Connection, name: string, schema: Schema): Promise<Table> {
  if (await hasTable(db, name)) return db.openTable(name)
  try {
    return await db.createEmptyTable(name, schema)
  } catch (error) {
    if (await hasTable(db, name)) return db.openTable(name)
    throw error
  }
}

/** Does something with a table and closes it. */
export async function withTable<T>(opening: Promise<Table>, work: (table: Table) => Promise<T>): Promise<T> {
  const table = await opening
  try {
    return await work(table)
  } finally {
    table.close()
  }
}

export async function withTableIfThere<T>(
  db: Connection,
  name: string,
  work: (table: Table) => Promise<T>,
): Promise<T | undefined> {
  return (await hasTable(db, name)) ? withTable(db.openTable(name), work) : undefined
}

/** Tables made before marks were kept get their column: no document of theirs was seen yet. */
export async function openUpToDate(db: Connection, name: string): Promise<Table> {
  const table = await db.openTable(name)
  const { fields } = await table.schema()
  if (!fields.some((field) => field.name === 'seen')) {
    await table.addColumns([{ name: 'seen', valueSql: 'CAST(0 AS DOUBLE)' }])
  }
  return table
}

/** LanceDB's own drop fails where another process is writing, and leaves a folder that can be neither opened nor made again. */
export async function removeTable(folder: string, name: string): Promise<void> {
  await rm(path.join(folder, `${name}.lance`), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

async function hasTable(db: Connection, name: string): Promise<boolean> {
  return (await db.tableNames()).includes(name)
}
