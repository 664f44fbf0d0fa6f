import path from 'node:path'
import type { Table } from '@lancedb/lancedb'
import { checkOptionKeys, isQontrastError, type OptionKeys, QontrastError } from '../../shared/index.ts'
import { checkPoint, checkSameSchema } from '../check.ts'
import { indexNames, notFound } from '../names.ts'
import type { CollectionSchema, PointRecord, Selector, VectorStore } from '../store.ts'
import { abandoning } from '../within.ts'
import { checkWritable } from './lancedb/check-writable.ts'
import { retryConflicts, withStoreErrors } from './lancedb/errors.ts'
import { idIn, literal } from './lancedb/filter-sql.ts'
import { loadLibrary } from './lancedb/load-library.ts'
import { bytesOf, createIndexes, type MaintenanceOptions } from './lancedb/maintenance.ts'
import { openPointers } from './lancedb/pointers.ts'
import { runQuery, toSql } from './lancedb/query.ts'
import { runQueries } from './lancedb/query-many.ts'
import { keyColumns, recordColumns, toKey, toPointKey, toPointRecord, toRow } from './lancedb/rows.ts'
import { seenSince, seenTable, writeSeen } from './lancedb/seen.ts'
import { openSession, type Session } from './lancedb/session.ts'
import { createOrOpen, removeTable, withTable, withTableIfThere } from './lancedb/tables.ts'
import { createUpkeep } from './lancedb/upkeep.ts'

export interface LanceDbOptions extends Partial<MaintenanceOptions> {
  /** Folder that holds the collections; made when the first is written. */
  readonly path: string
}

const optionKeys: OptionKeys<LanceDbOptions> = { path: true, approximateFrom: true }

interface Opened {
  /** Of the collection, where an alias was given. */
  readonly name: string
  readonly table: Table
  readonly schema: CollectionSchema
  readonly session: Session
}

type ScrollOptions = NonNullable<Parameters<VectorStore['scroll']>[1]>

const approximateFrom = 2_000
const scrollLimit = 1_000
/** An open connection holds on to about 1 kB for each row written through it. */
const writesUntilReopened = 100

/** The embedded store: LanceDB in a folder, in this process, safe for several processes at once. */
export function lancedb(options: LanceDbOptions): VectorStore {
  checkOptionKeys('lancedb', options, optionKeys)
  const folder = path.resolve(options.path) // a relative path that begins with `db` would be taken for LanceDB's cloud
  const pointers = openPointers(folder)
  const upkeep = createUpkeep({
    folder,
    approximateFrom: options.approximateFrom ?? approximateFrom,
    schemaOf: pointers.readCollection,
    exclusively: (name, work) => write(name, work),
  })
  const writers = new Map<string, Promise<unknown>>()
  let session = openSession(folder)
  let writes = 0

  async function open(name: string, within: Session): Promise<Opened> {
    const collection = await pointers.resolve(name)
    const schema = await pointers.readCollection(collection)
    if (!schema) {
      within.forget(collection)
      if ((await pointers.resolve(name)) !== collection) return open(name, within) // switched in between, and the old one dropped
      throw notFound(name, folder, indexNames(await pointers.collections(), await pointers.aliases()))
    }
    try {
      return { name: collection, table: await within.table(collection), schema, session: within }
    } catch (error) {
      within.forget(collection)
      throw error
    }
  }

  /** What fails because its collection was dropped meanwhile is done on what the name stands for now, or ends with `index-not-found`. */
  function withOpened<T>(name: string, work: (opened: Opened) => Promise<T>): Promise<T> {
    const within = session
    return within.use(async () => {
      const opened = await open(name, within)
      try {
        return await work(opened)
      } catch (error) {
        if ((await open(name, within)).name !== opened.name) return withOpened(name, work)
        throw error
      }
    })
  }

  /** One write at a time on each collection of this process; conflicts with other processes are tried again. */
  function write<T>(name: string, work: (opened: Opened) => Promise<T>): Promise<T> {
    const turn = (writers.get(name) ?? Promise.resolve()).then(() =>
      retryConflicts(async () => {
        const result = await withOpened(name, work)
        if (++writes % writesUntilReopened === 0) renew()
        return result
      }),
    )
    writers.set(
      name,
      turn.catch(() => {}),
    )
    return turn
  }

  /** Opens everything anew; what is under way still goes on with what was open. */
  function renew(): void {
    void session.retire()
    session = openSession(folder)
  }

  function read<T>(name: string, work: (opened: Opened) => Promise<T>): Promise<T> {
    return retryConflicts(() => withOpened(name, work))
  }

  /** A page in the order of ids; `seenBefore` leaves out what was seen since. */
  async function page(
    { name: collection, table, schema, session: within }: Opened,
    columns: string[],
    options: ScrollOptions,
  ) {
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
    const seen = await withTableIfThere(await within.connection(), seenTable(collection), (marks) =>
      seenSince(marks, documents, seenBefore),
    )
    return { rows: rows.filter(({ document }) => !seen?.has(document)), cursor: next }
  }

  const close = async () => {
    await Promise.all([...writers.values(), upkeep.close()])
    await session.retire()
    session = openSession(folder)
  }

  const store: VectorStore = {
    name: `lancedb:${folder}`,
    capabilities: { aliases: true, approximate: true, upkeep: true },

    ensure: (name, schema) =>
      retryConflicts(async () => {
        const collection = await pointers.resolve(name)
        const existing = await pointers.readCollection(collection)
        if (existing) return checkSameSchema(name, existing, schema)
        pointers.checkName(collection)
        const { tableSchema } = await loadLibrary()
        const within = session
        await within.use(async () =>
          withTable(createOrOpen(await within.connection(), collection, tableSchema(schema)), createIndexes),
        )
        await pointers.writeCollection(collection, schema)
      }),

    checkWritable: () => checkWritable(folder),

    list: () => withStoreErrors(() => pointers.collections()),

    info: (name) =>
      read(name, async ({ name: collection, table, schema }) => ({
        name: collection,
        schema,
        points: await table.countRows(),
        bytes: await bytesOf(path.join(folder, `${collection}.lance`)),
      })).catch((error: unknown) => {
        if (isQontrastError(error, 'index-not-found')) return undefined
        throw error
      }),

    schema: (name) => withStoreErrors(async () => pointers.readCollection(await pointers.resolve(name))),

    drop: (name) =>
      withStoreErrors(async () => {
        const collection = await withOpened(name, async (opened) => opened.name)
        await Promise.all([writers.get(collection), upkeep.forget(collection)])
        await pointers.removeCollection(collection)
        renew() // searches that are under way may still read from it
        for (const table of [collection, seenTable(collection)]) await removeTable(folder, table)
      }),

    async upsert(name, points, { onlyNew = false } = {}) {
      if (points.length === 0) return
      const distinct = [...new Map(points.map((point) => [point.id, point])).values()]
      await write(name, async ({ name: collection, table, schema }) => {
        for (const point of distinct) checkPoint(point, schema)
        const { makeArrowTable, tableSchema } = await loadLibrary()
        const rows = makeArrowTable(
          distinct.map((point) => toRow(point, schema)),
          { schema: tableSchema(schema) },
        )
        const merge = table.mergeInsert('id')
        await (onlyNew ? merge : merge.whenMatchedUpdateAll()).whenNotMatchedInsertAll().execute(rows)
        upkeep.wrote(
          collection,
          distinct.map(({ id }) => toKey(id)),
        )
      })
    },

    get: (name, selector, { vectors = false, limit } = {}) =>
      read(name, async ({ table, schema }) => {
        const where = await selectorToSql(table, schema, selector)
        const query = table.query().where(where).select(columnsOf(vectors))
        const rows = await (limit === undefined ? query : query.limit(limit)).toArray()
        return rows.map(toScrolled).sort(byDocumentThenChunk)
      }),

    keys: (name, documents) =>
      read(name, async ({ table, schema }) => {
        if (documents.length === 0) return []
        const rows = await table.query().where(documentIn(documents)).select(keyColumns(schema)).toArray()
        return rows.map(toPointKey)
      }),

    delete: (name, selector) =>
      write(name, async ({ name: collection, table, schema }) => {
        const { numDeletedRows } = await table.delete(await selectorToSql(table, schema, selector))
        upkeep.wrote(collection, [])
        return numDeletedRows
      }),

    query: (name, query) => read(name, ({ table, schema }) => runQuery(table, schema, query)),

    queryMany: (name, queries) => read(name, ({ table, schema }) => runQueries(table, schema, queries)),

    count: (name, { filter, unit = 'points' } = {}) =>
      read(name, async ({ table, schema }) => {
        const conditions = [
          ...(unit === 'documents' ? ['chunk = 0'] : []),
          ...(filter ? [await toSql(table, schema, filter)] : []),
        ]
        return table.countRows(conditions.length > 0 ? conditions.join(' AND ') : undefined)
      }),

    scroll: (name, options = {}) =>
      read(name, async (opened) => {
        const { rows, cursor } = await page(opened, columnsOf(options.vectors ?? false), options)
        return { points: rows.map(toScrolled), cursor }
      }),

    scrollKeys: (name, options = {}) =>
      read(name, async (opened) => {
        const { rows, cursor } = await page(opened, keyColumns(opened.schema), options)
        return { keys: rows.map(toPointKey), cursor }
      }),

    async markSeen(name, documents, seen) {
      if (documents.length === 0) return
      await write(name, async ({ name: collection, session: within }) =>
        writeSeen(await within.connection(), collection, documents.map(toKey), seen),
      )
    },

    aliases: () => withStoreErrors(() => pointers.aliases()),

    alias: (alias, collection) =>
      withStoreErrors(async () => {
        if (collection === undefined) return pointers.removeAlias(alias)
        const target = await withOpened(collection, async (opened) => opened.name)
        if (await pointers.readCollection(alias)) {
          throw new QontrastError('invalid-option', `'${alias}' is the name of a collection; choose another alias.`)
        }
        await pointers.writeAlias(alias, target)
      }),

    async optimize(name, { signal, when = 'now' } = {}) {
      const { name: collection } = await read(name, async (opened) => opened)
      if (when === 'background') upkeep.consider(collection)
      else await retryConflicts(() => upkeep.run(collection, { onlyDue: when === 'due', signal }))
    },
    onMaintenance: upkeep.onMaintenance,

    within: (signal) => abandoning(store, signal),
    close,
    [Symbol.asyncDispose]: close,
  }
  return store
}

async function selectorToSql(table: Table, schema: CollectionSchema, selector: Selector): Promise<string> {
  if ('filter' in selector) return toSql(table, schema, selector.filter)
  const keys = 'ids' in selector ? selector.ids : selector.documents
  if (keys.length === 0) return 'false'
  return 'ids' in selector ? idIn(keys.map(toKey)) : documentIn(keys)
}

function documentIn(documents: readonly string[]): string {
  return `document IN (${documents.map((id) => literal(toKey(id))).join(', ')})`
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
