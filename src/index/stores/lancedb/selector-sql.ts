import type { Table } from '@lancedb/lancedb'
import type { CollectionSchema, Selector } from '../store.ts'
import { idIn, literal } from './filter-sql.ts'
import { toSql } from './query.ts'
import { toKey } from './rows.ts'

/** The predicate of the points that are selected. */
export async function selectorToSql(table: Table, schema: CollectionSchema, selector: Selector): Promise<string> {
  if ('filter' in selector) return toSql(table, schema, selector.filter)
  const keys = 'ids' in selector ? selector.ids : selector.documents
  if (keys.length === 0) return 'false'
  return 'ids' in selector ? idIn(keys.map(toKey)) : documentIn(keys)
}

export function documentIn(documents: readonly string[]): string {
  return `document IN (${documents.map((id) => literal(toKey(id))).join(', ')})`
}
