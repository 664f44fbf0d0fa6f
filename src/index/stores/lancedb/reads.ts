import { availableParallelism } from 'node:os'
import type { Table } from '@lancedb/lancedb'
import { createFairTurns, currentWork } from '../../../shared/index.ts'
import type { CollectionSchema, PointRecord, VectorStore } from '../store.ts'
import { literal } from './filter-sql.ts'
import { runQuery, toSql } from './query.ts'
import { runQueries } from './query-many.ts'
import { keyColumns, recordColumns, toPointKey, toPointRecord } from './rows.ts'
import { seenSince, seenTable } from './seen.ts'
import { documentIn, selectorToSql } from './selector-sql.ts'
import type { Session } from './session.ts'
import { withTableIfThere } from './tables.ts'

export interface Opened {
  /** Of the collection, where an alias was given. */
  readonly name: string
  readonly table: Table
  readonly schema: CollectionSchema
  readonly session: Session
}

/** Opens what a name stands for and reads from it. */
export type Read = <T>(name: string, work: (opened: Opened) => Promise<T>) => Promise<T>

type Reads = Pick<VectorStore, 'get' | 'keys' | 'query' | 'queryMany' | 'count' | 'scroll' | 'scrollKeys'>
type ScrollOptions = NonNullable<Parameters<VectorStore['scroll']>[1]>

const scrollLimit = 1_000
/** Reading that goes on at the same time in this process, over all stores: native threads are few, and what is begun cannot be stopped. */
const turns = createFairTurns(Math.max(8, 2 * availableParallelism()))

/** What reads; once the signal fires, nothing more is begun. */
export function createReads(read: Read, signal?: AbortSignal): Reads {
  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const end = await turns.take({ owner: currentWork().owner, signal })
    try {
      return await work()
    } finally {
      end()
    }
  }
  const readInTurn: Read = (name, work) => inTurn(() => read(name, work))

  return {
    get: (name, selector, { vectors = false, limit } = {}) =>
      readInTurn(name, async ({ table, schema }) => {
        const where = await selectorToSql(table, schema, selector)
        const query = table.query().where(where).select(columnsOf(vectors))
        const rows = await (limit === undefined ? query : query.limit(limit)).toArray()
        return rows.map(toScrolled).sort(byDocumentThenChunk)
      }),

    keys: (name, documents) =>
      readInTurn(name, async ({ table, schema }) => {
        if (documents.length === 0) return []
        const rows = await table.query().where(documentIn(documents)).select(keyColumns(schema)).toArray()
        return rows.map(toPointKey)
      }),

    query: (name, query) =>
      readInTurn(name, async ({ table, schema }) =>
        runQuery(table, query, query.filter && (await toSql(table, schema, query.filter))),
      ),

    queryMany: (name, queries) =>
      read(name, ({ table, schema }) => runQueries(table, schema, { queries, inTurn, signal })),

    count: (name, { filter, unit = 'points' } = {}) =>
      readInTurn(name, async ({ table, schema }) => {
        const conditions = [
          ...(unit === 'documents' ? ['chunk = 0'] : []),
          ...(filter ? [await toSql(table, schema, filter)] : []),
        ]
        return table.countRows(conditions.length > 0 ? conditions.join(' AND ') : undefined)
      }),

    scroll: (name, options = {}) =>
      readInTurn(name, async (opened) => {
        const { rows, cursor } = await page(opened, columnsOf(options.vectors ?? false), options)
        return { points: rows.map(toScrolled), cursor }
      }),

    scrollKeys: (name, options = {}) =>
      readInTurn(name, async (opened) => {
        const { rows, cursor } = await page(opened, keyColumns(opened.schema), options)
        return { keys: rows.map(toPointKey), cursor }
      }),
  }
}

/** A page in the order of ids; `seenBefore` leaves out what was seen since. */
async function page({ name: collection, table, schema, session }: Opened, columns: string[], options: ScrollOptions) {
  const { filter, limit = scrollLimit, cursor, seenBefore } = options
  const conditions = [
    ...(cursor === undefined ? [] : [`id > ${literal(cursor)}`]),
    ...(filter ? [await toSql(table, schema, filter)] : []),
    ...(seenBefore === undefined ? [] : [`(seen IS NULL OR seen < ${seenBefore})`]),
  ]
  const query = table.query().orderBy({ columnName: 'id', ascending: true }).limit(limit).select(columns)
  const rows = await (conditions.length > 0 ? query.where(conditions.join(' AND ')) : query).toArray()
  const last: { id: string } | undefined = rows.at(-1)
  const next = last && rows.length === limit ? last.id : undefined
  if (seenBefore === undefined) return { rows, cursor: next }
  const documents = rows.map(({ document }) => document)
  const seen = await withTableIfThere(await session.connection(), seenTable(collection), (marks) =>
    seenSince(marks, documents, seenBefore),
  )
  return { rows: rows.filter(({ document }) => !seen?.has(document)), cursor: next }
}

function columnsOf(vectors: boolean): string[] {
  return ['id', 'document', ...recordColumns, ...(vectors ? ['vector'] : [])]
}

function toScrolled(row: { vector?: Iterable<number> }): PointRecord & { vector?: Float32Array } {
  const record = toPointRecord(row)
  return row.vector ? { ...record, vector: Float32Array.from(row.vector) } : record
}

function byDocumentThenChunk(a: PointRecord, b: PointRecord): number {
  return a.documentId < b.documentId ? -1 : a.documentId > b.documentId ? 1 : a.chunk - b.chunk
}
