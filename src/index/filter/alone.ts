import type { JsonObject } from '../../shared/index.ts'
import { isObject, matchesFilter, valueAt } from './evaluate.ts'
import { type FieldPath, type Filter, isLeaf, partsOf } from './node.ts'

/**
 * The first field of a filter that a payload does not fill with one value of the filter's own; undefined where there is none.
 * Each field that the filter names, in whatever branch, must be missing or null, or hold one string, number or boolean that meets one of the
 * conditions on it. A payload that matches and is like this matches no filter that no such single values could meet as well: a list could.
 */
export function strayField(filter: Filter, payload: JsonObject): FieldPath | undefined {
  const conditions = Map.groupBy(conditionsOf(filter), (condition) => JSON.stringify(fieldOf(condition)))
  for (const onField of conditions.values()) {
    const [first] = onField
    const field = first && fieldOf(first)
    if (!field || isAbsent(payload, field)) continue
    const value = valueAt(payload, field)
    if (value === undefined || typeof value === 'object') return field
    if (!onField.some((condition) => matchesFilter(condition, payload))) return field
  }
  return undefined
}

/** Conditions, and denied ones as their denial. */
function* conditionsOf(filter: Filter): Generator<Filter> {
  if (isLeaf(filter) || (filter.kind === 'not' && isLeaf(filter.filter))) yield filter
  else for (const part of partsOf(filter)) yield* conditionsOf(part)
}

function fieldOf(condition: Filter): FieldPath | undefined {
  if (isLeaf(condition)) return condition.field
  return condition.kind === 'not' ? fieldOf(condition.filter) : undefined
}

/** Nothing lies there, nor on the way: a list or a value on the way is no such thing. */
function isAbsent(payload: JsonObject, [key, ...rest]: readonly string[]): boolean {
  const value = key !== undefined && Object.hasOwn(payload, key) ? payload[key] : undefined
  if (value === undefined || value === null) return true
  return rest.length > 0 && isObject(value) && isAbsent(value, rest)
}
