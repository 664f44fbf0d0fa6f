import type { Schemas } from '@qdrant/js-client-rest'
import type { FieldPath, Filter, Range, Scalar } from '../../filter.ts'
import { encodeText, pathTo } from './json.ts'

export type Condition = Schemas['Condition']
type Nodes = { readonly [Kind in Filter['kind']]: Extract<Filter, { kind: Kind }> }
type PathOf = (field: FieldPath) => string
type Compilers = { readonly [Kind in Filter['kind']]: (node: Nodes[Kind], pathOf: PathOf) => Condition }

export const nothing: Condition = { has_id: [] }

const compilers: Compilers = {
  eq: ({ field, value }, pathOf) => equals(pathOf(field), value),
  in: ({ field, values }, pathOf) => oneOf(pathOf(field), values),
  range: ({ field, range }, pathOf) => within(pathOf(field), range),
  contains: ({ field, text }, pathOf) => ({ key: pathOf(field), match: { text: encodeText(text) } }),
  exists: ({ field }, pathOf) => ({ must_not: [{ is_empty: { key: pathOf(field) } }] }),
  and: ({ filters }, pathOf) => ({ must: filters.map((part) => compileNode(part.kind, part, pathOf)) }),
  or: ({ filters }, pathOf) => any(filters.map((part) => compileNode(part.kind, part, pathOf))),
  not: ({ filter }, pathOf) => ({ must_not: [compileNode(filter.kind, filter, pathOf)] }),
}

function compileNode<Kind extends Filter['kind']>(kind: Kind, node: Nodes[Kind], pathOf: PathOf): Condition {
  return compilers[kind](node, pathOf)
}

/** Compiles a filter on payloads that lie under `root` (undefined: at the top) to what Qdrant evaluates as `matchesFilter` does. */
export function compileFilter(filter: Filter, root: string | undefined): Condition {
  return compileNode(filter.kind, filter, (field) => pathTo(root === undefined ? field : [root, ...field]))
}

export function any(conditions: Condition[]): Condition {
  return conditions.length === 0 ? nothing : { should: conditions }
}

function equals(key: string, value: Scalar): Condition {
  if (typeof value === 'number') return { key, range: { gte: value, lte: value } } // `match` takes whole numbers only
  return { key, match: { value: typeof value === 'string' ? encodeText(value) : value } }
}

function oneOf(key: string, values: readonly Scalar[]): Condition {
  const strings = values.filter((value) => typeof value === 'string').map(encodeText)
  const others = values.filter((value) => typeof value !== 'string').map((value) => equals(key, value))
  return any([...(strings.length > 0 ? [{ key, match: { any: strings } }] : []), ...others])
}

/** Infinite limits are no JSON: they hold for every number, or for none. */
function within(key: string, { gt, gte, lt, lte }: Range): Condition {
  if (gt === Infinity || gte === Infinity || lt === -Infinity || lte === -Infinity) return nothing
  const limits = { gt, gte, lt, lte }
  const finite = Object.entries(limits).filter(([, limit]) => limit !== undefined && Number.isFinite(limit))
  return { key, range: finite.length > 0 ? Object.fromEntries(finite) : { lte: Number.MAX_VALUE } }
}
