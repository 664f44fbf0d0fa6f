import type { Schemas } from '@qdrant/js-client-rest'
import { own } from '../../../shared/index.ts'
import type { Fields } from '../../filter/fields.ts'
import type { FieldPath, Filter, Leaf, Scalar, Limits as Span } from '../../filter/index.ts'
import { piecesOf } from './batches.ts'
import { encodeText, pathTo } from './json.ts'
import type { Layout } from './layout.ts'
import type { Limits } from './limits.ts'
import { momentsPath } from './moments.ts'

export type Condition = Schemas['Condition']
/** Ids of the points that match a condition which Qdrant cannot ask for itself. */
export type FoundByReading = ReadonlyMap<Leaf, readonly Schemas['ExtendedPointId'][]>

type Nodes = { readonly [Kind in Filter['kind']]: Extract<Filter, { kind: Kind }> }
interface Known {
  readonly layout: Layout
  readonly limits: Limits
  readonly fields: Fields
  readonly found: FoundByReading
}
type Compilers = { readonly [Kind in Filter['kind']]: (node: Nodes[Kind], known: Known) => Condition }

export const nothing: Condition = { has_id: [] }

const compilers: Compilers = {
  in: (node, known) => whereFound(node, known) ?? oneOf(payloadPath(node.field, known.layout), node.values, known),
  at: ({ field, moments }, known) =>
    known.layout.ours
      ? oneOf(momentsPath(field), moments, known)
      : any(moments.map((moment) => momentWithin(field, { gte: moment, lte: moment }, known.layout))),
  range: (node, known) => {
    const { layout } = known
    if (node.of === 'string') return whereFound(node, known) ?? nothing
    if (node.of === 'date') return momentWithin(node.field, node.range, layout)
    return { key: payloadPath(node.field, layout), range: { ...node.range } }
  },
  contains: (node, known) =>
    whereFound(node, known) ?? { key: payloadPath(node.field, known.layout), match: { text: encodeText(node.text) } },
  exists: ({ field }, { layout, fields }) => {
    const isDate = layout.ours && field.length === 1 && own(fields, field[0]) === 'date' // its index lies on the instants
    return { must_not: [{ is_empty: { key: isDate ? momentsPath(field) : payloadPath(field, layout) } }] }
  },
  and: ({ filters }, known) => ({ must: filters.map((part) => compileNode(part.kind, part, known)) }),
  or: ({ filters }, known) => any(filters.map((part) => compileNode(part.kind, part, known))),
  not: ({ filter }, known) => ({ must_not: [compileNode(filter.kind, filter, known)] }),
}

function compileNode<Kind extends Filter['kind']>(kind: Kind, node: Nodes[Kind], known: Known): Condition {
  return compilers[kind](node, known)
}

/** Compiles a filter to what Qdrant evaluates as `matchesFilter` does; `found` has what is found by reading. */
export function compileFilter(filter: Filter, known: Known): Condition {
  return compileNode(filter.kind, filter, known)
}

/** The points that were found by reading, where it was done for this condition. */
function whereFound(leaf: Leaf, { found, limits }: Known): Condition | undefined {
  const ids = found.get(leaf)
  return ids && any(piecesOf(ids, limits.values).map((some) => ({ has_id: some })))
}

/** Where a field of a payload lies in a point. */
export function payloadPath(field: FieldPath, { payload }: Layout): string {
  return pathTo(payload === undefined ? field : [payload, ...field])
}

export function any(conditions: Condition[]): Condition {
  return conditions.length === 0 ? nothing : { should: conditions }
}

function equals(key: string, value: Scalar): Condition {
  if (typeof value === 'number') return { key, range: { gte: value, lte: value } } // `match` takes whole numbers only
  return { key, match: { value: typeof value === 'string' ? encodeText(value) : value } }
}

/** A few numbers are as many ranges, which the index of a declared field answers; of many, ranges took 30 times as long as a set. */
export const mostRanges = 16

/** Whole numbers of ours lie as whole numbers; others may have written `5.0`, which is none to `match`. */
function oneOf(key: string, values: readonly Scalar[], { layout: { ours }, limits }: Known): Condition {
  const texts = values.filter((value) => typeof value === 'string')
  const large = ours ? [] : texts.flatMap((text) => largeIntegerOf(text) ?? []).filter(isAsked)
  const [only] = values
  if (values.length === 1 && only !== undefined && large.length === 0) return equals(key, only)
  const isInSet = ours && values.length > mostRanges ? Number.isSafeInteger : () => false
  const numbers = values.filter((value) => typeof value === 'number').filter(isInSet)
  const others = values.filter((value) => typeof value === 'boolean' || (typeof value === 'number' && !isInSet(value)))
  return any([
    ...piecesOf(texts.map(encodeText), limits.values).map((some) => ({ key, match: { any: some } })),
    ...piecesOf([...numbers, ...large], limits.values).map((some) => ({ key, match: { any: some } })),
    ...others.map((value) => equals(key, value)),
  ])
}

/** The integer past 2^53 that others may have stored, of 64 bits with or without a sign; in payloads it is read as the string of its digits. */
export function largeIntegerOf(value: Scalar): bigint | undefined {
  if (typeof value !== 'string' || !/^-?[1-9]\d{15,19}$/.test(value)) return undefined
  const integer = BigInt(value)
  const fits = integer >= -(2n ** 63n) && integer < 2n ** 64n
  return fits && !Number.isSafeInteger(Number(integer)) ? integer : undefined
}

/** Qdrant compares integers of 64 bits with a sign; the client writes a BigInt as one, which its types do not say. */
export function isAsked(integer: unknown): integer is number {
  return typeof integer === 'bigint' && BigInt.asIntN(64, integer) === integer
}

/** Points of others have no instants of ours with them: there Qdrant reads the dates itself, to the microsecond. */
function momentWithin(field: FieldPath, range: Span<number>, layout: Layout): Condition {
  if (layout.ours) return { key: momentsPath(field), range: { ...range } }
  const limits = Object.entries(range).map(([name, moment]) => [name, new Date(moment).toISOString()])
  return { key: payloadPath(field, layout), range: Object.fromEntries(limits) }
}
