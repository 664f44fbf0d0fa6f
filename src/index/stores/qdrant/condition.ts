import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import { type Filter, isLeaf, type Leaf, matchesFilter, partsOf } from '../../filter/index.ts'
import type { Described } from './collections.ts'
import type { Connection } from './connection.ts'
import { type Condition, compileFilter, isAsked, largeIntegerOf, mostRanges, payloadPath } from './filter.ts'
import { isPointId } from './point-id.ts'
import { toPayload } from './records.ts'

/** The condition of a filter on a collection; what Qdrant cannot ask for is found by reading the field of every point that has it. */
export async function conditionOf(
  connection: Connection,
  collection: string,
  described: Described,
  filter: Filter,
): Promise<Condition> {
  const found = new Map<Leaf, Schemas['ExtendedPointId'][]>()
  for (const leaf of leavesOf(filter)) {
    if (needsReading(leaf, described) && !found.has(leaf))
      found.set(leaf, await idsMatching(connection, collection, described, leaf))
  }
  const { layout, limits, schema } = described
  const condition = compileFilter(filter, { layout, limits, fields: schema.fields, found })
  const conditions = countOf(condition)
  if (conditions <= limits.conditions) return condition
  throw new QontrastError(
    'invalid-filter',
    `The filter comes to ${conditions} conditions of Qdrant, and '${collection}' is in strict mode and takes ${limits.conditions} at most. Ask for less, or raise its filter_max_conditions.`,
  )
}

function* leavesOf(filter: Filter): Generator<Leaf> {
  if (isLeaf(filter)) yield filter
  else for (const part of partsOf(filter)) yield* leavesOf(part)
}

/**
 * Qdrant has no order of strings, and compares integers up to 2^63; an index of words makes another thing of `contains`; and where only what has the right index may be asked for,
 * a declared field has none for substrings or sets of numbers.
 */
function needsReading(leaf: Leaf, { layout, limits, info }: Described): boolean {
  if (leaf.kind === 'range') return leaf.of === 'string'
  if (leaf.kind === 'contains')
    return !limits.unindexed || info.payload_schema[payloadPath(leaf.field, layout)]?.data_type === 'text'
  if (leaf.kind !== 'in') return false
  const unsigned = layout.ours ? [] : leaf.values.flatMap((value) => largeIntegerOf(value) ?? [])
  return (leaf.values.length > mostRanges && !limits.unindexed) || !unsigned.every(isAsked)
}

async function idsMatching(
  connection: Connection,
  collection: string,
  { layout, limits }: Described,
  leaf: Leaf,
): Promise<Schemas['ExtendedPointId'][]> {
  const ids: Schemas['ExtendedPointId'][] = []
  const key = payloadPath(leaf.field, layout)
  let offset: Schemas['ExtendedPointId'] | undefined
  do {
    const { points, next_page_offset: next } = await connection.call(collection, (client) =>
      client.scroll(collection, {
        filter: { must_not: [{ is_empty: { key } }] },
        limit: limits.page,
        with_payload: [key],
        ...(offset === undefined ? {} : { offset }),
      }),
    )
    for (const point of points) if (matchesFilter(leaf, toPayload(point, layout))) ids.push(point.id)
    offset = isPointId(next) ? next : undefined
  } while (offset !== undefined)
  return ids
}

/** Conditions as strict mode counts them. */
function countOf(condition: Condition): number {
  const parts = ['must', 'must_not', 'should'].flatMap((name): unknown[] => {
    const some: unknown = Reflect.get(condition, name)
    return Array.isArray(some) ? some : []
  })
  return parts.length === 0 ? 1 : parts.reduce<number>((sum, part) => sum + (isCondition(part) ? countOf(part) : 0), 0)
}

function isCondition(value: unknown): value is Condition {
  return typeof value === 'object' && value !== null
}
