import type { Schemas } from '@qdrant/js-client-rest'
import type { FieldPath, Filter, Leaf, Limits, Scalar } from '../../filter.ts'
import { encodeText, pathTo } from './json.ts'
import type { Layout } from './layout.ts'
import { momentsPath } from './moments.ts'

export type Condition = Schemas['Condition']
/** Ids of the points that match a condition which Qdrant cannot ask for itself. */
export type FoundByReading = ReadonlyMap<Leaf, readonly Schemas['ExtendedPointId'][]>

type Nodes = { readonly [Kind in Filter['kind']]: Extract<Filter, { kind: Kind }> }
interface Known {
  readonly layout: Layout
  readonly found: FoundByReading
}
type Compilers = { readonly [Kind in Filter['kind']]: (node: Nodes[Kind], known: Known) => Condition }

export const nothing: Condition = { has_id: [] }

const compilers: Compilers = {
  in: ({ field, values }, { layout }) => oneOf(payloadPath(field, layout), values, layout),
  at: ({ field, moments }, { layout }) =>
    layout.ours
      ? oneOf(momentsPath(field), moments, layout)
      : any(moments.map((moment) => momentWithin(field, { gte: moment, lte: moment }, layout))),
  range: (node, { layout, found }) => {
    if (node.of === 'string') return { has_id: [...(found.get(node) ?? [])] }
    if (node.of === 'date') return momentWithin(node.field, node.range, layout)
    return { key: payloadPath(node.field, layout), range: { ...node.range } }
  },
  contains: ({ field, text }, { layout }) => ({ key: payloadPath(field, layout), match: { text: encodeText(text) } }),
  exists: ({ field }, { layout }) => ({ must_not: [{ is_empty: { key: payloadPath(field, layout) } }] }),
  and: ({ filters }, known) => ({ must: filters.map((part) => compileNode(part.kind, part, known)) }),
  or: ({ filters }, known) => any(filters.map((part) => compileNode(part.kind, part, known))),
  not: ({ filter }, known) => ({ must_not: [compileNode(filter.kind, filter, known)] }),
}

function compileNode<Kind extends Filter['kind']>(kind: Kind, node: Nodes[Kind], known: Known): Condition {
  return compilers[kind](node, known)
}

/** Compiles a filter to what Qdrant evaluates as `matchesFilter` does; `found` has what {@link needsReading} said of it. */
export function compileFilter(filter: Filter, layout: Layout, found: FoundByReading): Condition {
  return compileNode(filter.kind, filter, { layout, found })
}

/** Qdrant has no order of strings. */
export function* needsReading(filter: Filter): Generator<Leaf> {
  if (filter.kind === 'not') yield* needsReading(filter.filter)
  else if (filter.kind === 'and' || filter.kind === 'or') for (const part of filter.filters) yield* needsReading(part)
  else if (filter.kind === 'range' && filter.of === 'string') yield filter
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
const mostRanges = 16

/** Whole numbers of ours lie as whole numbers; others may have written `5.0`, which is none to `match`. */
function oneOf(key: string, values: readonly Scalar[], { ours }: Layout): Condition {
  const [only] = values
  if (values.length === 1 && only !== undefined) return equals(key, only)
  const strings = values.filter((value) => typeof value === 'string').map(encodeText)
  const isInSet = ours && values.length > mostRanges ? Number.isSafeInteger : () => false
  const integers = values.filter((value) => typeof value === 'number').filter(isInSet)
  const others = values.filter((value) => typeof value === 'boolean' || (typeof value === 'number' && !isInSet(value)))
  return any([
    ...(strings.length > 0 ? [{ key, match: { any: strings } }] : []),
    ...(integers.length > 0 ? [{ key, match: { any: integers } }] : []),
    ...others.map((value) => equals(key, value)),
  ])
}

/** Points of others have no instants of ours with them: there Qdrant reads the dates itself, to the microsecond. */
function momentWithin(field: FieldPath, range: Limits<number>, layout: Layout): Condition {
  if (layout.ours) return { key: momentsPath(field), range: { ...range } }
  const limits = Object.entries(range).map(([name, moment]) => [name, new Date(moment).toISOString()])
  return { key: payloadPath(field, layout), range: Object.fromEntries(limits) }
}
