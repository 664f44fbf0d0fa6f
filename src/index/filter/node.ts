import { QontrastError } from '../../shared/index.ts'
import { filterLimits } from './limits.ts'

/** A value that a payload field is compared with. */
export type Scalar = string | number | boolean
/** What a filter may name as a value: a Date is compared as an instant. */
export type Operand = Scalar | Date
/** Keys from the payload down to the value; a single key is taken verbatim, dots and all. */
export type FieldPath = readonly [string, ...string[]]
export type Field = string | FieldPath

export interface Limits<T> {
  readonly gt?: T
  readonly gte?: T
  readonly lt?: T
  readonly lte?: T
}
/** Limits of one kind: numbers, strings (ordered by code units, as JavaScript does), or Dates and ISO 8601 strings. */
export type Range = Limits<number | string | Date>

/** Instants are milliseconds since 1970. */
type Node =
  | { readonly kind: 'in'; readonly field: FieldPath; readonly values: readonly Scalar[] }
  | { readonly kind: 'at'; readonly field: FieldPath; readonly moments: readonly number[] }
  | {
      readonly kind: 'range'
      readonly field: FieldPath
      readonly of: 'number' | 'date'
      readonly range: Limits<number>
    }
  | { readonly kind: 'range'; readonly field: FieldPath; readonly of: 'string'; readonly range: Limits<string> }
  | { readonly kind: 'contains'; readonly field: FieldPath; readonly text: string }
  | { readonly kind: 'exists'; readonly field: FieldPath }
  | { readonly kind: 'and'; readonly filters: readonly Filter[] }
  | { readonly kind: 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }

const brand: unique symbol = Symbol('qontrast filter')

/**
 * A condition on payloads, frozen. A field with an array matches where any element does; a missing field matches nothing but `not`.
 * `contains` is a case-sensitive substring, `exists` is neither missing, nor null, nor an empty array. `docs/filters.md` is the whole rule.
 */
export type Filter = Node & { readonly [brand]: true }
/** A condition on one field. */
export type Leaf = Extract<Filter, { field: FieldPath }>

interface Size {
  readonly depth: number
  readonly parts: number
}

/** Every filter that was made here: what only looks like one, a changed copy for example, is none. */
const sizes = new WeakMap<object, Size>()

export function isFilter(value: unknown): value is Filter {
  return typeof value === 'object' && value !== null && sizes.has(value)
}

/** True for what was copied from a filter, or made by another copy of this package. */
export function isLikeFilter(value: object): boolean {
  return (
    !sizes.has(value) &&
    Object.getOwnPropertySymbols(value).some(({ description }) => description === brand.description)
  )
}

export function isLeaf(filter: Filter): filter is Leaf {
  return 'field' in filter
}

/** The frozen filter of a node; `invalid-filter` where it is too large. */
export function make(node: Node): Filter {
  const inner = partsOf(node).map((part) => sizes.get(part) ?? { depth: 0, parts: 1 })
  const size = {
    depth: inner.reduce((deepest, { depth }) => Math.max(deepest, depth + 1), 0) - (deniesLeaf(node) ? 1 : 0),
    parts: inner.reduce((sum, { parts }) => sum + parts, 1),
  }
  if (size.depth > filterLimits.depth) throw tooDeep()
  if (size.parts > filterLimits.parts) throw tooManyParts(size.parts)
  const filter: Filter = Object.freeze({ ...node, [brand]: true as const })
  sizes.set(filter, size)
  return filter
}

/** A condition and its denial are equally deep. */
function deniesLeaf(node: Node): boolean {
  return node.kind === 'not' && isLeaf(node.filter)
}

/** What an `and` or `or` is made of, or what `not` denies. */
export function partsOf(node: Node): readonly Filter[] {
  return node.kind === 'not' ? [node.filter] : 'filters' in node ? node.filters : []
}

/** `and` or `or`, those of the same kind inside taken apart; of one part, the part. */
export function combine(kind: 'and' | 'or', filters: readonly Filter[]): Filter {
  const flat = filters.flatMap((part) => (part.kind === kind ? part.filters : [part]))
  const [only] = flat
  return flat.length === 1 && only ? only : make({ kind, filters: Object.freeze(flat) })
}

export function negate(filter: Filter): Filter {
  return filter.kind === 'not' ? filter.filter : make({ kind: 'not', filter })
}

/** True for `{}`, which holds for every payload. */
export function isEveryPayload(filter: Filter): boolean {
  return filter.kind === 'and' && filter.filters.length === 0
}

export function invalid(message: string, cause?: unknown): QontrastError {
  return new QontrastError('invalid-filter', message, cause === undefined ? {} : { cause })
}

export function tooDeep(): QontrastError {
  return invalid(`The filter is nested more than ${filterLimits.depth} levels deep; at most ${filterLimits.depth}.`)
}

export function tooManyParts(parts: number): QontrastError {
  return invalid(`The filter has ${parts} branches and values; at most ${filterLimits.parts}.`)
}
