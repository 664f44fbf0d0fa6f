import { type JsonObject, type JsonValue, momentOf } from '../../shared/index.ts'
import type { FieldPath, Filter, Leaf, Limits } from './node.ts'

/** The plain evaluation that every store must agree with. */
export function matchesFilter(filter: Filter, payload: JsonObject): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => matchesFilter(part, payload))
    case 'or':
      return filter.filters.some((part) => matchesFilter(part, payload))
    case 'not':
      return !matchesFilter(filter.filter, payload)
    case 'exists': {
      const value = valueAt(payload, filter.field)
      return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
    }
    default: {
      const value = valueAt(payload, filter.field)
      const elements: readonly JsonValue[] = Array.isArray(value) ? value : value === undefined ? [] : [value]
      return elements.some((element) => matchesElement(filter, element))
    }
  }
}

/** Whether one value, or one element of an array, meets a condition. */
export function matchesElement(leaf: Leaf, element: JsonValue): boolean {
  switch (leaf.kind) {
    case 'in':
      return isScalar(element) && has(leaf, leaf.values, element)
    case 'at': {
      const moment = typeof element === 'string' ? knownMoment(element) : undefined
      return moment !== undefined && has(leaf, leaf.moments, moment)
    }
    case 'contains':
      return typeof element === 'string' && element.includes(leaf.text)
    case 'exists':
      return element !== null
    case 'range': {
      if (leaf.of === 'string') return typeof element === 'string' && isWithin(leaf.range, element)
      const number = leaf.of === 'number' ? element : typeof element === 'string' ? knownMoment(element) : undefined
      return typeof number === 'number' && isWithin(leaf.range, number)
    }
  }
}

const mostMoments = 64
const moments = new Map<string, number | undefined>()

/** Many conditions ask one value after the other for its instant. */
function knownMoment(text: string): number | undefined {
  if (moments.has(text)) return moments.get(text)
  if (moments.size >= mostMoments) moments.clear()
  const moment = momentOf(text)
  moments.set(text, moment)
  return moment
}

const setsFrom = 16
const sets = new WeakMap<Leaf, ReadonlySet<unknown>>()

function has<T>(leaf: Leaf, values: readonly T[], value: T): boolean {
  if (values.length < setsFrom) return values.includes(value)
  const set = sets.get(leaf) ?? new Set<unknown>(values)
  sets.set(leaf, set)
  return set.has(value)
}

/** Strings by code units, as JavaScript compares them. */
function isWithin<T extends number | string>({ gt, gte, lt, lte }: Limits<T>, value: T): boolean {
  return (
    (gt === undefined || value > gt) &&
    (gte === undefined || value >= gte) &&
    (lt === undefined || value < lt) &&
    (lte === undefined || value <= lte)
  )
}

/** Arrays are not walked into on the way down: only the last key may hold one. */
export function valueAt(payload: JsonObject, field: FieldPath): JsonValue | undefined {
  let value: JsonValue | undefined = payload
  for (const key of field) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: JsonValue): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
