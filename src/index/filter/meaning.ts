import {
  combine,
  type FieldPath,
  type Filter,
  isLeaf,
  type Leaf,
  type Limits,
  make,
  negate,
  type Scalar,
} from './node.ts'

/**
 * The same filter in one form for one meaning: `not` only before conditions, `and` and `or` taken apart where they nest, equalities over one
 * field as one set, everything sorted and once. So `{ a: 'x' }`, `{ a: ['x'] }` and `{ $and: [{ a: { eq: 'x' } }] }` give the same JSON.
 */
export function canonicalFilter(filter: Filter): Filter {
  return rewrite(filter, false)
}

/** What holds exactly where the filter does not, in the same form. */
export function oppositeOf(filter: Filter): Filter {
  return rewrite(filter, true)
}

function rewrite(filter: Filter, negated: boolean): Filter {
  if (filter.kind === 'not') return rewrite(filter.filter, !negated)
  if (isLeaf(filter)) return negated ? negate(canonicalLeaf(filter)) : canonicalLeaf(filter)
  const kind = negated ? opposite[filter.kind] : filter.kind
  return canonicalList(
    kind,
    filter.filters.map((part) => rewrite(part, negated)),
  )
}

const opposite = { and: 'or', or: 'and' } as const

/** What holds for every payload, and what for none. */
const constants = { and: make({ kind: 'and', filters: [] }), or: make({ kind: 'or', filters: [] }) }

function canonicalList(kind: 'and' | 'or', parts: readonly Filter[]): Filter {
  const absorbing = constants[opposite[kind]]
  const flat = parts.flatMap((part) => (part.kind === kind ? part.filters : [part]))
  if (flat.some((part) => keyOf(part) === keyOf(absorbing))) return absorbing
  const merged = mergeSets(kind, flat)
  const keyed = new Map(merged.map((part) => [keyOf(part), part]))
  if ([...keyed.keys()].some((key) => keyed.has(`{"kind":"not","filter":${key}}`))) return absorbing
  return combine(
    kind,
    [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part),
  )
}

type SetLeaf = Extract<Leaf, { kind: 'in' | 'at' }>

/** Sets over one field become one: in an `or` those asked for, in an `and` those denied. */
function mergeSets(kind: 'and' | 'or', parts: readonly Filter[]): Filter[] {
  const groups = new Map<string, SetLeaf[]>()
  const others: Filter[] = []
  for (const part of parts) {
    const leaf = kind === 'or' ? part : part.kind === 'not' ? part.filter : undefined
    if (leaf?.kind === 'in' || leaf?.kind === 'at') {
      const key = keyOf([leaf.kind, leaf.field])
      const group = groups.get(key) ?? []
      groups.set(key, group)
      group.push(leaf)
    } else others.push(part)
  }
  const unions = [...groups.values()].flatMap(unionOf)
  return [...unions.map((union) => (kind === 'or' ? union : negate(union))), ...others]
}

function unionOf(sets: readonly SetLeaf[]): Filter[] {
  const values = sets.flatMap((leaf) => (leaf.kind === 'in' ? leaf.values : []))
  const moments = sets.flatMap((leaf) => (leaf.kind === 'at' ? leaf.moments : []))
  return sets.slice(0, 1).map(({ kind, field }) => (kind === 'in' ? inSet(field, values) : atSet(field, moments)))
}

const inSet = (field: FieldPath, values: readonly Scalar[]): Filter =>
  make({ kind: 'in', field, values: Object.freeze([...new Set(values)].sort(byTypeThenValue)) })
const atSet = (field: FieldPath, moments: readonly number[]): Filter =>
  make({ kind: 'at', field, moments: Object.freeze([...new Set(moments)].sort((a, b) => a - b)) })

function canonicalLeaf(leaf: Leaf): Filter {
  const { kind, field } = leaf
  switch (kind) {
    case 'in':
      return inSet(field, leaf.values)
    case 'at':
      return atSet(field, leaf.moments)
    case 'range':
      return leaf.of === 'string'
        ? make({ kind, field, of: leaf.of, range: tightest(leaf.range) })
        : make({ kind, field, of: leaf.of, range: tightest(leaf.range) })
    case 'contains':
      return make({ kind, field, text: leaf.text })
    case 'exists':
      return make({ kind, field })
  }
}

/** One limit a side, always in the same order. */
function tightest<T extends number | string>({ gt, gte, lt, lte }: Limits<T>): Limits<T> {
  const above = gt !== undefined && (gte === undefined || gt >= gte)
  const below = lt !== undefined && (lte === undefined || lt <= lte)
  return Object.freeze({
    ...(above ? { gt } : gte === undefined ? {} : { gte }),
    ...(below ? { lt } : lte === undefined ? {} : { lte }),
  })
}

function byTypeThenValue(a: Scalar, b: Scalar): number {
  if (typeof a !== typeof b) return typeof a < typeof b ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

function keyOf(value: Filter | readonly unknown[]): string {
  return JSON.stringify(value)
}
