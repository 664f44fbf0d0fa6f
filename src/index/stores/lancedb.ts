import path from 'node:path'
import { checkOptionKeys, isQontrastError, type OptionKeys, QontrastError } from '../../shared/index.ts'
import { checkSameSchema } from './check.ts'
import { checkWritable } from './lancedb/check-writable.ts'
import { retryConflicts, withStoreErrors } from './lancedb/errors.ts'
import { loadLibrary } from './lancedb/load-library.ts'
import { bytesOf, createIndexes, type MaintenanceOptions } from './lancedb/maintenance.ts'
import { openPointers } from './lancedb/pointers.ts'
import { createReads, type Opened, type Read } from './lancedb/reads.ts'
import { toKey } from './lancedb/rows.ts'
import { seenTable, writeSeen } from './lancedb/seen.ts'
import { selectorToSql } from './lancedb/selector-sql.ts'
import { openSession } from './lancedb/session.ts'
import { createOrOpen, removeTable, withTable } from './lancedb/tables.ts'
import { toTable } from './lancedb/to-table.ts'
import { createUpkeep } from './lancedb/upkeep.ts'
import { indexNames, notFound } from './names.ts'
import type { VectorStore } from './store.ts'
import { abandoning } from './within.ts'

export interface LanceDbOptions extends Partial<MaintenanceOptions> {
  /** Folder that holds the collections; made when the first is written. */
  readonly path: string
}

const optionKeys: OptionKeys<LanceDbOptions> = { path: true, approximateFrom: true }

const approximateFrom = 2_000
/** An open connection holds on to about 1 kB for each row written through it, and to indexes that were replaced since: by this process's merges, or by those of others. */
const usesUntilReopened = { writes: 100, reads: 20_000 }

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
  const sessions = { reads: openSession(folder), writes: openSession(folder) }
  const uses = { reads: 0, writes: 0 }

  async function resolve(name: string): Promise<Pick<Opened, 'name' | 'schema'>> {
    const collection = await pointers.resolve(name)
    const schema = await pointers.readCollection(collection)
    if (schema) return { name: collection, schema }
    if ((await pointers.resolve(name)) !== collection) return resolve(name) // switched in between, and the old one dropped
    throw notFound(name, folder, indexNames(await pointers.collections(), await pointers.aliases()))
  }

  /** What fails because its collection was dropped meanwhile is done on what the name stands for now, or ends with `index-not-found`. */
  async function withOpened<T>(
    name: string,
    kind: keyof typeof sessions,
    work: (opened: Opened) => Promise<T>,
  ): Promise<T> {
    const opened = await resolve(name)
    if (++uses[kind] % usesUntilReopened[kind] === 0) void renew(kind)
    const session = sessions[kind]
    try {
      return await session.use(() => session.withTable(opened.name, (table) => work({ ...opened, table, session })))
    } catch (error) {
      if ((await resolve(name)).name !== opened.name) return withOpened(name, kind, work)
      throw error
    }
  }

  /** One write at a time on each collection of this process; conflicts with other processes are tried again. */
  function write<T>(name: string, work: (opened: Opened) => Promise<T>): Promise<T> {
    const turn = (writers.get(name) ?? Promise.resolve()).then(() =>
      retryConflicts(() => withOpened(name, 'writes', work)),
    )
    writers.set(
      name,
      turn.catch(() => {}),
    )
    return turn
  }

  const read: Read = (name, work) => retryConflicts(() => withOpened(name, 'reads', work))

  /** What is under way still goes on with what was open. */
  function renew(kind: keyof typeof sessions): Promise<void> {
    const before = sessions[kind]
    sessions[kind] = openSession(folder)
    return before.retire()
  }

  upkeep.onMaintenance(({ kind }) => {
    if (kind === 'merge') void renew('reads')
  })

  const close = async () => {
    await Promise.all([...writers.values(), upkeep.close()])
    await Promise.all([renew('reads'), renew('writes')])
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
        const session = sessions.writes
        await session.use(async () =>
          withTable(createOrOpen(await session.connection(), collection, tableSchema(schema)), createIndexes),
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
        const collection = (await resolve(name)).name
        await Promise.all([writers.get(collection), upkeep.forget(collection)])
        await pointers.removeCollection(collection)
        void Promise.all([renew('reads'), renew('writes')]) // searches that are under way may still read from it
        for (const table of [collection, seenTable(collection)]) await removeTable(folder, table)
      }),

    ...createReads(read),

    async upsert(name, points, { onlyNew = false } = {}) {
      if (points.length === 0) return
      const distinct = [...new Map(points.map((point) => [point.id, point])).values()]
      await write(name, async ({ name: collection, table, schema }) => {
        const rows = await toTable(distinct, schema)
        const merge = table.mergeInsert('id')
        await (onlyNew ? merge : merge.whenMatchedUpdateAll()).whenNotMatchedInsertAll().execute(rows)
        upkeep.wrote(
          collection,
          distinct.map(({ id }) => toKey(id)),
        )
      })
    },

    delete: (name, selector) =>
      write(name, async ({ name: collection, table, schema }) => {
        const { numDeletedRows } = await table.delete(await selectorToSql(table, schema, selector))
        upkeep.wrote(collection, [])
        return numDeletedRows
      }),

    async markSeen(name, documents, seen) {
      if (documents.length === 0) return
      await write(name, async ({ name: collection, session }) =>
        writeSeen(await session.connection(), collection, documents.map(toKey), seen),
      )
    },

    aliases: () => withStoreErrors(() => pointers.aliases()),

    alias: (alias, collection) =>
      withStoreErrors(async () => {
        if (collection === undefined) return pointers.removeAlias(alias)
        const target = (await resolve(collection)).name
        if (await pointers.readCollection(alias)) {
          throw new QontrastError('invalid-option', `'${alias}' is the name of a collection; choose another alias.`)
        }
        await pointers.writeAlias(alias, target)
      }),

    async optimize(name, { signal, when = 'now' } = {}) {
      const { name: collection } = await withStoreErrors(() => resolve(name))
      if (when === 'background') upkeep.consider(collection)
      else await retryConflicts(() => upkeep.run(collection, { onlyDue: when === 'due', signal }))
    },
    onMaintenance: upkeep.onMaintenance,

    within: (signal) => abandoning({ ...store, ...createReads(read, signal) }, signal),
    close,
    [Symbol.asyncDispose]: close,
  }
  return store
}
