import type { Connection, Table } from '@lancedb/lancedb'
import { literal } from './filter-sql.ts'
import { loadLibrary } from './load-library.ts'
import { setKey } from './maintenance.ts'
import { createOrOpen, withTable } from './tables.ts'

/** The table of the marks of a collection. */
export const seenTable = (collection: string): string => `${collection}.seen`

/** Marks documents, given by their keys; a later mark stays. */
export async function writeSeen(
  db: Connection,
  collection: string,
  documents: readonly string[],
  seen: number,
): Promise<void> {
  const { makeArrowTable, seenSchema } = await loadLibrary()
  const rows = makeArrowTable(
    [...new Set(documents)].map((document) => ({ document, seen })),
    { schema: seenSchema },
  )
  await withTable(createOrOpen(db, seenTable(collection), seenSchema), async (table) => {
    await setKey(table, 'document')
    await table
      .mergeInsert('document')
      .whenMatchedUpdateAll({ where: 'target.seen < source.seen' })
      .whenNotMatchedInsertAll()
      .execute(rows)
  })
}

/** Which of these documents were marked at that moment or later. */
export async function seenSince(table: Table, documents: readonly string[], moment: number): Promise<Set<string>> {
  if (documents.length === 0) return new Set()
  const list = [...new Set(documents)].map(literal).join(', ')
  const rows = await table.query().where(`seen >= ${moment} AND document IN (${list})`).select(['document']).toArray()
  return new Set(rows.map(({ document }) => String(document)))
}
