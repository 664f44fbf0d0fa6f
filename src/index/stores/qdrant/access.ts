import type { Schemas } from '@qdrant/js-client-rest'
import { type ErrorCode, isQontrastError, type QontrastError } from '../../../shared/index.ts'
import type { Filter } from '../../filter/index.ts'
import { indexNames, notFound } from '../names.ts'
import type { Selector } from '../store.ts'
import { checkWritable, type Described, findCollection } from './collections.ts'
import { conditionOf } from './condition.ts'
import type { Connection } from './connection.ts'
import type { Condition } from './filter.ts'
import type { QdrantOptions } from './options.ts'
import { selected } from './selection.ts'
import type { Walk } from './walk.ts'

/** A server, and what is known of its collections. */
export interface Access {
  readonly connection: Connection
  readonly options: QdrantOptions
  readonly described: Map<string, Described>
  describe(name: string): Promise<Described>
  missing(name: string): Promise<QontrastError>
  /** Runs work on what is known of a collection; where it was remade or an alias moved since, once more on what is there now. */
  on<T>(name: string, work: (described: Described) => Promise<T>): Promise<T>
  /** The same, for what writes. */
  onWritable<T>(name: string, work: (described: Described) => Promise<T>): Promise<T>
  list(): Promise<string[]>
  aliases(): Promise<Map<string, string>>
  walkOf(name: string, described: Described): Walk
  /** The filter of a payload together with other conditions. */
  everyOf(
    name: string,
    described: Described,
    filter: Filter | undefined,
    others?: readonly Condition[],
  ): Promise<Schemas['Filter']>
  /** What selects points, in pieces of as many ids as one filter takes. */
  selecting(name: string, described: Described, selector: Selector): Promise<Iterable<Schemas['Filter']>>
}

/** How a call may fail where what is known of its collection is out of date. */
const perhapsStale: ReadonlySet<ErrorCode> = new Set([
  'index-not-found',
  'dimension-mismatch',
  'invalid-input',
  'invalid-option',
  'store-failed',
])

export function openAccess(connection: Connection, options: QdrantOptions, described: Map<string, Described>): Access {
  async function describe(name: string): Promise<Described> {
    const found = await findCollection(connection, name, options)
    if (!found) throw await missing(name)
    described.set(name, found)
    return found
  }

  async function missing(name: string): Promise<QontrastError> {
    return notFound(name, connection.server, indexNames(await list(), await aliases()))
  }

  async function on<T>(name: string, work: (described: Described) => Promise<T>): Promise<T> {
    const known = described.get(name)
    if (!known) return work(await describe(name))
    try {
      return await work(known)
    } catch (error) {
      described.delete(name)
      if (!isQontrastError(error) || !perhapsStale.has(error.code)) throw error
      const fresh = await describe(name)
      if (sameCollection(fresh, known)) throw error
      return work(fresh)
    }
  }

  async function onWritable<T>(name: string, work: (described: Described) => Promise<T>): Promise<T> {
    return on(name, (collection) => {
      if (!collection.layout.ours) checkWritable(name, options)
      return work(collection)
    })
  }

  async function list(): Promise<string[]> {
    const { collections } = await connection.call(undefined, (client) => client.getCollections())
    return collections.map(({ name }) => name).sort()
  }

  async function aliases(): Promise<Map<string, string>> {
    const all = await connection.call(undefined, (client) => client.getAliases())
    return new Map(all.aliases.map(({ alias_name, collection_name }) => [alias_name, collection_name]))
  }

  const walkOf = (name: string, described: Described): Walk => ({
    connection,
    name,
    described,
    consistency: options.consistency,
  })

  async function everyOf(
    name: string,
    described: Described,
    filter: Filter | undefined,
    others: readonly Condition[] = [],
  ): Promise<Schemas['Filter']> {
    return { must: [...others, ...(filter ? [await conditionOf(connection, name, described, filter)] : [])] }
  }

  async function selecting(name: string, described: Described, selector: Selector) {
    return 'filter' in selector
      ? [await everyOf(name, described, selector.filter)]
      : selected(selector, described.layout, described.limits.values)
  }

  return {
    connection,
    options,
    described,
    describe,
    missing,
    on,
    onWritable,
    list,
    aliases,
    walkOf,
    everyOf,
    selecting,
  }
}

function sameCollection(a: Described, b: Described): boolean {
  const told = ({ layout, schema, limits, info }: Described) => {
    const indexes = Object.keys(info.payload_schema).map((path) => [path, info.payload_schema[path]?.data_type])
    return [layout, schema, limits, indexes]
  }
  return JSON.stringify(told(a)) === JSON.stringify(told(b))
}
