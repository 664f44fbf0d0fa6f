import { types } from 'node:util'
import { momentOf } from '../../shared/index.ts'
import { filterLimits } from './limits.ts'
import { combine, type Field, type FieldPath, type Filter, invalid, type Limits, make, type Scalar } from './node.ts'

/** Where in a filter something stands, for messages. */
export type Place = () => string

export const inside = (place: Place, key: string | number): Place => {
  if (typeof key === 'number') return () => `${place()}[${key}]`
  return () => {
    const name = key.length > 80 ? `${key.slice(0, 80)}…` : key
    const step = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name) ? name : `[${JSON.stringify(name)}]`
    return place() === '' ? step : step.startsWith('[') ? place() + step : `${place()}.${step}`
  }
}

/** The place of a condition that a function such as `eq` makes. */
export const placeOf = (field: Field): Place =>
  (typeof field === 'string' ? [field] : [...field]).reduce<Place>(
    (place, key) => inside(place, String(key)),
    () => '',
  )

export function pathOf(field: unknown): FieldPath {
  const path: readonly unknown[] = typeof field === 'string' ? [field] : Array.isArray(field) ? [...field] : []
  const keys = path.filter((key) => typeof key === 'string')
  const [first, ...rest] = keys
  if (first === undefined || keys.length < path.length)
    throw invalid(`A field is a key, or a list of keys for nested objects; got ${describe(field)}.`)
  if (keys.length > filterLimits.keys)
    throw invalid(`A field path has ${keys.length} keys; at most ${filterLimits.keys}.`)
  for (const key of keys) checkString(key, () => 'a name')
  return Object.freeze<[string, ...string[]]>([first, ...rest])
}

/** A condition that the field has one of these values; Dates are compared as instants. */
export function oneOfLeaf(field: FieldPath, operands: readonly unknown[], place: Place): Filter {
  if (operands.length === 0)
    throw invalid(`${place()}: an empty list matches nothing. Leave the condition out, or write { exists: false }.`)
  if (operands.length > filterLimits.values)
    throw invalid(`${place()} is compared with ${operands.length} values; at most ${filterLimits.values}.`)
  const values: Scalar[] = []
  const moments: number[] = []
  for (let i = 0; i < operands.length; i++) {
    const at = operands.length === 1 ? place : inside(place, i)
    const operand = operands[i]
    if (types.isDate(operand)) moments.push(momentOfDate(operand, at))
    else values.push(checkScalar(operand, at))
  }
  return combine('or', [
    ...(values.length > 0 ? [make({ kind: 'in', field, values: Object.freeze(values) })] : []),
    ...(moments.length > 0 ? [make({ kind: 'at', field, moments: Object.freeze(moments) })] : []),
  ])
}

export const rangeOperators = ['gt', 'gte', 'lt', 'lte'] as const

/** One range from limits that were given by name. */
export function rangeLeaf(field: FieldPath, limits: readonly (readonly [string, unknown])[], place: Place): Filter {
  if (limits.length === 0)
    throw invalid(
      `${place()}: a range needs a limit (${rangeOperators.join(', ')}); to ask whether there is a value, write { exists: true }.`,
    )
  const given = limits.map(([operator, limit]) => {
    const at = inside(place, operator)
    const name = rangeOperators.find((known) => known === operator)
    if (!name) throw invalid(`${at()}: a range has the limits ${rangeOperators.join(', ')}.`)
    if (types.isDate(limit)) return { name, limit: momentOfDate(limit, at), of: 'date' as const, at }
    const value = checkScalar(limit, at)
    if (typeof value === 'boolean') throw invalid(`${at()}: a limit is a number, a string or a Date; got ${value}.`)
    return { name, limit: value, of: typeof value === 'number' ? ('number' as const) : ('string' as const), at }
  })
  const kinds = new Set(given.map(({ of }) => of))
  if (kinds.size === 1 && kinds.has('number'))
    return make({ kind: 'range', field, of: 'number', range: limitsOf(given, Number) })
  if (kinds.size === 1 && kinds.has('string'))
    return make({ kind: 'range', field, of: 'string', range: limitsOf(given, String) })
  if (kinds.has('number'))
    throw invalid(`${place()}: no value is within limits of different types (${[...kinds].join(', ')}).`)
  const moments = given.map(({ name, limit, at }) => ({
    name,
    limit: typeof limit === 'string' ? momentOfText(limit, at) : limit,
  }))
  return make({ kind: 'range', field, of: 'date', range: limitsOf(moments, Number) })
}

function limitsOf<T>(
  given: readonly { readonly name: keyof Limits<T>; readonly limit: string | number }[],
  to: (limit: string | number) => T,
): Limits<T> {
  return Object.freeze(Object.fromEntries(given.map(({ name, limit }) => [name, to(limit)])))
}

export function containsLeaf(field: FieldPath, text: unknown, place: Place): Filter {
  if (typeof text !== 'string') throw invalid(`${place()}: contains needs a string; got ${describe(text)}.`)
  checkString(text, place)
  return make({ kind: 'contains', field, text })
}

export function existsLeaf(field: FieldPath): Filter {
  return make({ kind: 'exists', field })
}

/** The instant that a string of a date field names: `invalid-filter` for any other string. */
export function momentOfText(text: string, place: Place): number {
  const moment = momentOf(text)
  if (moment !== undefined) return moment
  throw invalid(
    `${place()}: ${JSON.stringify(text.slice(0, 80))} is no date; dates are ISO 8601, such as 2024-05-31 or 2024-05-31T12:00:00Z.`,
  )
}

function momentOfDate(date: Date, place: Place): number {
  const moment = date.getTime()
  if (Number.isFinite(moment)) return moment
  throw invalid(`${place()} is compared with an invalid Date.`)
}

function checkScalar(value: unknown, place: Place): Scalar {
  if (typeof value === 'string') return checkString(value, place)
  if (typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value === 0 ? 0 : value
  throw invalid(`${place()} is compared with a string, a finite number, true, false or a Date; got ${describe(value)}.`)
}

function checkString(text: string, place: Place): string {
  if (text.length * 3 <= filterLimits.stringBytes) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= filterLimits.stringBytes) return text
  throw invalid(`${place()}: a string has ${bytes} bytes; at most ${filterLimits.stringBytes}.`)
}

/** What something is, for messages, with what to write instead where that is known. */
export function describe(value: unknown): string {
  if (value === undefined) return 'undefined (leave the condition out on purpose, or write { exists: false })'
  if (value === null) return 'null (write { exists: false })'
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value !== 'object') return `a ${typeof value}`
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return name === 'Object' ? 'an object' : `a ${name}`
}
