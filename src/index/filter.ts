import { type JsonObject, type JsonValue, QontrastError } from '../shared/index.ts'
import type { FieldType } from './fields.ts'

/** A value that a payload field is compared with. */
export type Scalar = string | number | boolean
/** Keys from the payload down to the value; a single key is taken verbatim, dots and all. */
export type FieldPath = readonly [string, ...string[]]
export type Range = { readonly gt?: number; readonly gte?: number; readonly lt?: number; readonly lte?: number }

type Node =
  | { readonly kind: 'eq'; readonly field: FieldPath; readonly value: Scalar }
  | { readonly kind: 'in'; readonly field: FieldPath; readonly values: readonly Scalar[] }
  | { readonly kind: 'range'; readonly field: FieldPath; readonly range: Range }
  | { readonly kind: 'contains'; readonly field: FieldPath; readonly text: string }
  | { readonly kind: 'exists'; readonly field: FieldPath }
  | { readonly kind: 'and'; readonly filters: readonly Filter[] }
  | { readonly kind: 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }

const brand: unique symbol = Symbol('qontrast filter')

/**
 * A condition on payloads, frozen. A field with an array matches where any element does; a missing field matches nothing but `not`.
 * Ranges match numbers only, `contains` is a case-sensitive substring, `exists` is neither missing, nor null, nor an empty array.
 */
export type Filter = Node & { readonly [brand]: true }

export type Field = string | FieldPath

/** The plain form: fields with a value, a list (one of them) or operators, all of which hold; `$and`, `$or` and `$not` combine. */
export type PlainFilter = {
  readonly [field: string]: PlainCondition | PlainFilter | readonly FilterInput[] | undefined
}
export type PlainCondition =
  | Scalar
  | readonly Scalar[]
  | (Range & {
      readonly eq?: Scalar
      readonly in?: readonly Scalar[]
      readonly contains?: string
      readonly exists?: boolean
    })
export type FilterInput = Filter | PlainFilter

const deepest = 20
const mostValues = 10_000

function freeze(node: Node): Filter {
  return Object.freeze({ ...node, [brand]: true as const })
}

function pathOf(field: Field): FieldPath {
  const path = typeof field === 'string' ? [field] : field
  const [first, ...rest] = path
  if (first === undefined || !path.every((key) => typeof key === 'string'))
    throw invalid(`A field is a key, or a list of keys for nested objects; got ${JSON.stringify(field)}.`)
  return [first, ...rest]
}

export const eq = (field: Field, value: Scalar): Filter =>
  freeze({ kind: 'eq', field: pathOf(field), value: checkScalar(field, value) })

export function oneOf(field: Field, values: readonly Scalar[]): Filter {
  if (!Array.isArray(values)) throw invalid(`One of what? ${show(field)} needs a list of values; got ${typeof values}.`)
  if (values.length > mostValues)
    throw invalid(`${show(field)} is compared with ${values.length} values; at most ${mostValues}.`)
  return freeze({ kind: 'in', field: pathOf(field), values: values.map((value) => checkScalar(field, value)) })
}

export function range(field: Field, limits: Range): Filter {
  for (const [operator, limit] of Object.entries(limits)) {
    if (typeof limit !== 'number' || Number.isNaN(limit))
      throw invalid(`${operator} of ${show(field)} needs a number; got ${String(limit)} (${typeof limit}).`)
  }
  return freeze({ kind: 'range', field: pathOf(field), range: limits })
}

export const gt = (field: Field, limit: number): Filter => range(field, { gt: limit })
export const gte = (field: Field, limit: number): Filter => range(field, { gte: limit })
export const lt = (field: Field, limit: number): Filter => range(field, { lt: limit })
export const lte = (field: Field, limit: number): Filter => range(field, { lte: limit })

export function contains(field: Field, text: string): Filter {
  if (typeof text !== 'string') throw invalid(`contains of ${show(field)} needs a string; got ${typeof text}.`)
  return freeze({ kind: 'contains', field: pathOf(field), text })
}

export const exists = (field: Field): Filter => freeze({ kind: 'exists', field: pathOf(field) })
export const and = (...filters: readonly FilterInput[]): Filter =>
  freeze({ kind: 'and', filters: filters.map((filter) => build(filter, 1)) })
export const or = (...filters: readonly FilterInput[]): Filter =>
  freeze({ kind: 'or', filters: filters.map((filter) => build(filter, 1)) })
export const not = (filter: FilterInput): Filter => freeze({ kind: 'not', filter: build(filter, 1) })

/** Checks a filter of either form and gives the frozen one; `invalid-filter` says what is wrong. Declared fields must be compared with their own type. */
export function toFilter(input: FilterInput, fields: Readonly<Record<string, FieldType>> = {}): Filter {
  const filter = build(input, 0)
  checkDepth(filter, 0)
  checkTypes(filter, fields)
  return filter
}

const combiners: Record<string, (operand: unknown, depth: number) => Filter> = {
  $and: (operand, depth) => freeze({ kind: 'and', filters: listOf('$and', operand, depth) }),
  $or: (operand, depth) => freeze({ kind: 'or', filters: listOf('$or', operand, depth) }),
  $not: (operand, depth) => freeze({ kind: 'not', filter: build(operand, depth + 1) }),
}

const operators: Record<string, (field: Field, operand: unknown) => Filter> = {
  eq: (field, operand) => eq(field, checkScalar(field, operand)),
  in: (field, operand) => oneOf(field, checkList(field, operand)),
  gt: (field, operand) => range(field, { gt: checkNumber(field, operand) }),
  gte: (field, operand) => range(field, { gte: checkNumber(field, operand) }),
  lt: (field, operand) => range(field, { lt: checkNumber(field, operand) }),
  lte: (field, operand) => range(field, { lte: checkNumber(field, operand) }),
  contains: (field, operand) =>
    contains(field, typeof operand === 'string' ? operand : fail(field, 'contains needs a string')),
  exists: (field, operand) =>
    operand === false
      ? not(exists(field))
      : operand === true
        ? exists(field)
        : fail(field, 'exists needs true or false'),
}

function build(input: unknown, depth: number): Filter {
  if (depth > deepest) throw tooDeep()
  if (isFilter(input)) return input
  if (!isPlainObject(input))
    throw invalid(
      `A filter is an object such as { source: 'NHLBI', year: { gte: 2000 } }; got ${input === null ? 'null' : Array.isArray(input) ? 'a list' : typeof input}.`,
    )
  const parts = Object.entries(input).flatMap(([key, condition]) => {
    if (condition === undefined) return []
    const combine = Object.hasOwn(combiners, key) ? combiners[key] : undefined
    return [combine ? combine(condition, depth) : conditionOf(key, condition)]
  })
  const [only] = parts
  return parts.length === 1 && only ? only : freeze({ kind: 'and', filters: parts })
}

function conditionOf(field: string, condition: unknown): Filter {
  if (Array.isArray(condition)) return oneOf(field, checkList(field, condition))
  if (!isPlainObject(condition)) return eq(field, checkScalar(field, condition))
  const parts = Object.entries(condition).map(([operator, operand]) => {
    const make = Object.hasOwn(operators, operator) ? operators[operator] : undefined
    if (!make)
      throw invalid(
        `${show(field)} has no operator '${operator}'. Operators: ${Object.keys(operators).join(', ')}. A nested field is written eq(['outer', 'inner'], value).`,
      )
    return make(field, operand)
  })
  if (parts.length === 0) throw invalid(`${show(field)} has no condition.`)
  return parts.length === 1 && parts[0] ? parts[0] : freeze({ kind: 'and', filters: parts })
}

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

function matchesElement(
  filter: Extract<Node, { kind: 'eq' | 'in' | 'range' | 'contains' }>,
  element: JsonValue,
): boolean {
  switch (filter.kind) {
    case 'eq':
      return element === filter.value
    case 'in':
      return filter.values.some((value) => element === value)
    case 'contains':
      return typeof element === 'string' && element.includes(filter.text)
    case 'range': {
      if (typeof element !== 'number') return false
      const { gt, gte, lt, lte } = filter.range
      return !(
        (gt !== undefined && !(element > gt)) ||
        (gte !== undefined && !(element >= gte)) ||
        (lt !== undefined && !(element < lt)) ||
        (lte !== undefined && !(element <= lte))
      )
    }
  }
}

/** Arrays are not walked into on the way down: only the last key may hold one. */
function valueAt(payload: JsonObject, field: FieldPath): JsonValue | undefined {
  let value: JsonValue | undefined = payload
  for (const key of field) {
    if (!isPlainObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

function checkDepth(filter: Filter, depth: number): void {
  if (depth > deepest) throw tooDeep()
  if (filter.kind === 'not') checkDepth(filter.filter, depth + 1)
  if (filter.kind === 'and' || filter.kind === 'or') for (const part of filter.filters) checkDepth(part, depth + 1)
}

const typeNames: Record<FieldType, string> = {
  keyword: 'string',
  number: 'number',
  boolean: 'boolean',
  date: 'string',
}

function checkTypes(filter: Filter, fields: Readonly<Record<string, FieldType>>): void {
  if (filter.kind === 'and' || filter.kind === 'or') for (const part of filter.filters) checkTypes(part, fields)
  else if (filter.kind === 'not') checkTypes(filter.filter, fields)
  else if (filter.field.length === 1 && Object.hasOwn(fields, filter.field[0])) {
    const type = fields[filter.field[0]]
    if (!type) return
    for (const compared of comparedTypes(filter)) {
      if (compared !== typeNames[type])
        throw invalid(`${show(filter.field)} is declared as ${type}; it cannot be compared with a ${compared}.`)
    }
  }
}

function comparedTypes(filter: Extract<Node, { field: FieldPath }>): string[] {
  switch (filter.kind) {
    case 'eq':
      return [typeof filter.value]
    case 'in':
      return filter.values.map((value) => typeof value)
    case 'range':
      return ['number']
    case 'contains':
      return ['string']
    case 'exists':
      return []
  }
}

function isFilter(value: unknown): value is Filter {
  return typeof value === 'object' && value !== null && brand in value
}

function isPlainObject(value: unknown): value is Record<string, JsonValue> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(name: string, operand: unknown, depth: number): Filter[] {
  if (!Array.isArray(operand)) throw invalid(`${name} needs a list of filters; got ${typeof operand}.`)
  return operand.map((part) => build(part, depth + 1))
}

function checkList(field: Field, operand: unknown): Scalar[] {
  if (!Array.isArray(operand)) throw invalid(`in of ${show(field)} needs a list of values; got ${typeof operand}.`)
  return operand.map((value) => checkScalar(field, value))
}

function checkNumber(field: Field, operand: unknown): number {
  return typeof operand === 'number' ? operand : fail(field, `a range needs a number; got ${typeof operand}`)
}

function checkScalar(field: Field, value: unknown): Scalar {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  return fail(
    field,
    `is compared with a string, a finite number, true or false; got ${value === null ? 'null (use exists: false)' : typeof value === 'number' ? value : typeof value}`,
  )
}

function fail(field: Field, reason: string): never {
  throw invalid(`${show(field)}: ${reason}.`)
}

function show(field: Field): string {
  return `field ${JSON.stringify(field)}`
}

function invalid(message: string): QontrastError {
  return new QontrastError('invalid-filter', message)
}

function tooDeep(): QontrastError {
  return invalid(`The filter is nested more than ${deepest} levels deep.`)
}
