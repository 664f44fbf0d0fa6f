import { QontrastError } from '../../../shared/index.ts'
import { and, type FieldPath, type Filter, type Leaf, type Limits } from '../../filter/index.ts'
import type { CollectionSchema } from '../store.ts'
import {
  existenceFacet,
  momentFacet,
  momentKey,
  numberKey,
  severalMomentsFacet,
  sortableInteger,
  valueFacet,
} from './facets.ts'
import { numberColumns } from './rows.ts'

/** Ids of the points that match a filter, which is asked of each that the predicate holds for. */
export type FindByReading = (filter: Filter, where: string) => Promise<readonly string[]>

/** Whether a predicate holds for any point. */
export type HoldsForAny = (predicate: string) => Promise<boolean>

type Leaves = { readonly [Kind in Leaf['kind']]: Extract<Leaf, { kind: Kind }> }
type LeafCompilers = { readonly [Kind in Leaf['kind']]: (leaf: Leaves[Kind], known: Known) => string }

interface Known {
  readonly columns: ReadonlyMap<string, string>
  /** Facets of date fields that have several instants in some point. */
  readonly several: ReadonlySet<string>
}

/** Ranges over JSON in one predicate: about as long as each takes, reading all that is compared takes in all. */
const mostJsonRanges = 4
/** Brackets in brackets. LanceDB's parser takes about 25; each needs some 20 kB of its threads' stacks, of which they have 2 MB. */
const deepestNesting = 16

/**
 * Compiles a filter to a SQL predicate that is never NULL, so that NOT means what `matchesFilter` means by it.
 * What LanceDB cannot be asked for, or not at a cost that is bounded, is read, of the points alone that the rest of an `and` leaves.
 */
export async function filterToSql(
  filter: Filter,
  schema: CollectionSchema,
  { find, holdsForAny }: { readonly find: FindByReading; readonly holdsForAny: HoldsForAny },
): Promise<string> {
  const columns = numberColumns(schema)
  const several = new Set<string>()
  for (const leaf of leavesOf(filter)) {
    if (leaf.kind !== 'range' || leaf.of !== 'date' || !columnOf(leaf, columns)) continue
    const facet = severalMomentsFacet(leaf.field)
    if (!several.has(facet) && (await holdsForAny(hasAnyFacet([facet])))) several.add(facet)
  }
  const known = { columns, several }
  const askable = createAskable(known)
  const parts = filter.kind === 'and' ? filter.filters : [filter]
  const asked: Filter[] = []
  const read: Filter[] = []
  for (const part of parts) (askable(part) ? asked : read).push(part)
  const where = combine(
    'AND',
    'true',
    asked.map((part) => compile(part, known)),
  )
  return read.length === 0 ? where : idIn(await find(and(...read), where))
}

/** Says of one part after the other whether LanceDB is to be asked for it beside those before. */
function createAskable(known: Known): (part: Filter) => boolean {
  let left = mostJsonRanges
  return (part) => {
    const leaves = [...leavesOf(part)]
    if (leaves.some(needsReading) || nestingOf(part) > deepestNesting) return false
    const ranges = leaves.filter((leaf) => isJsonRange(leaf, known)).length
    if (ranges > left) return false
    left -= ranges
    return true
  }
}

function nestingOf(filter: Filter): number {
  if (filter.kind === 'not') return nestingOf(filter.filter) + 1
  if (filter.kind !== 'and' && filter.kind !== 'or') return 0
  return (
    filter.filters.reduce((deepest, part) => Math.max(deepest, nestingOf(part)), 0) +
    Math.ceil(Math.log2(filter.filters.length + 1))
  )
}

function isJsonRange(leaf: Leaf, { columns, several }: Known): boolean {
  if (leaf.kind !== 'range' || leaf.of === 'string') return false
  return !columnOf(leaf, columns) || several.has(severalMomentsFacet(leaf.field))
}

function compile(filter: Filter, known: Known): string {
  switch (filter.kind) {
    case 'not':
      return `NOT (${compile(filter.filter, known)})`
    case 'and':
      return combine(
        'AND',
        'true',
        filter.filters.map((part) => compile(part, known)),
      )
    case 'or':
      return combine(
        'OR',
        'false',
        filter.filters.map((part) => compile(part, known)),
      )
    default:
      return compileLeaf(filter.kind, filter, known)
  }
}

const leafCompilers: LeafCompilers = {
  in: ({ field, values }) => hasAnyFacet(values.map((value) => valueFacet(field, value))),
  at: ({ field, moments }) => hasAnyFacet(moments.map((moment) => momentFacet(field, moment))),
  exists: ({ field }) => hasAnyFacet([existenceFacet(field)]),
  contains: unasked,
  range: (leaf, { columns, several }) => {
    if (leaf.of === 'string') return unasked()
    const { field, range } = leaf
    const column = columnOf(leaf, columns)
    if (leaf.of === 'number') return column ? columnRange(column, range) : jsonRange(numberKey(field), range)
    return column ? dateRange(column, field, range, several) : jsonRange(momentKey(field), range)
  },
}

function unasked(): never {
  throw new QontrastError('internal', 'internal: a condition that is read, not asked for.')
}

function compileLeaf<Kind extends Leaf['kind']>(kind: Kind, leaf: Leaves[Kind], known: Known): string {
  return leafCompilers[kind](leaf, known)
}

/** The column of a declared field that has values of the type that is asked for. */
function columnOf({ field, of }: Leaves['range'], columns: Known['columns']): string | undefined {
  const column = field.length === 1 ? columns.get(field[0]) : undefined
  return column?.startsWith(`${of}_`) ? column : undefined
}

function needsReading(leaf: Leaf): boolean {
  return leaf.kind === 'contains' || (leaf.kind === 'range' && leaf.of === 'string')
}

function* leavesOf(filter: Filter): Generator<Leaf> {
  if (filter.kind === 'not') yield* leavesOf(filter.filter)
  else if (filter.kind === 'and' || filter.kind === 'or') for (const part of filter.filters) yield* leavesOf(part)
  else yield filter
}

/** A SQL string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function idIn(ids: readonly string[]): string {
  return ids.length === 0 ? 'false' : `id IN (${ids.map(literal).join(', ')})`
}

function hasAnyFacet(facets: readonly string[]): string {
  const [only] = facets
  if (facets.length === 1 && only !== undefined) return `array_has(facets, ${literal(only)})`
  return facets.length === 0 ? 'false' : `array_has_any(facets, [${facets.map(literal).join(', ')}])`
}

const comparisons = [
  ['gt', '>'],
  ['gte', '>='],
  ['lt', '<'],
  ['lte', '<='],
] as const

function limits(range: Limits<number>): [operator: string, limit: number][] {
  return comparisons.flatMap(([name, operator]): [string, number][] => {
    const limit = range[name]
    return limit === undefined ? [] : [[operator, limit]]
  })
}

function columnRange(column: string, range: Limits<number>): string {
  const conditions = limits(range).map(([operator, limit]) => `${column} ${operator} ${limit}`)
  return `(${[`${column} IS NOT NULL`, ...conditions].join(' AND ')})`
}

/** The column holds the instant of a field that has one; without an OR, its index answers alone. */
function dateRange(column: string, field: FieldPath, range: Limits<number>, known: ReadonlySet<string>): string {
  if (!known.has(severalMomentsFacet(field))) return columnRange(column, range)
  const several = `(${hasAnyFacet([severalMomentsFacet(field)])} AND ${jsonRange(momentKey(field), range)})`
  return `(${columnRange(column, range)} OR ${several})`
}

function jsonRange(key: string, range: Limits<number>): string {
  const conditions = limits(range).map(([operator, limit]) => `@ ${operator} ${sortableInteger(limit)}`)
  const test = conditions.length > 0 ? ` ? (${conditions.join(' && ')})` : ''
  return `coalesce(json_exists(numbers, '$."${key}"[*]${test}'), false)`
}

/** Balanced: the parser goes as deep as the tree, and a long chain would overflow its stack. */
function combine(operator: 'AND' | 'OR', none: string, parts: readonly string[]): string {
  const [only = none] = parts
  if (parts.length <= 1) return only
  const middle = parts.length >> 1
  return `(${combine(operator, none, parts.slice(0, middle))} ${operator} ${combine(operator, none, parts.slice(middle))})`
}
