import { isQontrastError, messageOf } from '../../shared/index.ts'
import {
  containsLeaf,
  describe,
  existsLeaf,
  inside,
  oneOfLeaf,
  type Place,
  pathOf,
  rangeLeaf,
  rangeOperators,
} from './leaf.ts'
import { filterLimits } from './limits.ts'
import {
  combine,
  type FieldPath,
  type Filter,
  invalid,
  isEveryPayload,
  isFilter,
  isLikeFilter,
  make,
  negate,
  tooDeep,
  tooManyParts,
} from './node.ts'

/** What may still be read of a filter, whatever it is made of. */
interface Budget {
  parts: number
}
interface Reading {
  readonly place: Place
  readonly depth: number
  readonly budget: Budget
}

/** The frozen filter of either form, as it was written: `invalid-filter` says what is wrong, and where. `{}` alone holds for every payload. */
export function read(input: unknown, place: Place = () => ''): Filter {
  try {
    return readFilter(input, { place, depth: 0, budget: { parts: filterLimits.parts } })
  } catch (error) {
    if (isQontrastError(error)) throw error
    throw invalid(`The filter cannot be read: ${messageOf(error)}`, error) // a getter that throws, for example
  }
}

/** A filter inside another one, which must say something: `{}` there would widen or empty what is around it. */
export function readBranch(input: unknown, place: Place): Filter {
  const filter = read(input, place)
  if (isEveryPayload(filter)) throw emptyBranch(place)
  return filter
}

function readFilter(input: unknown, { place, depth, budget }: Reading): Filter {
  if (depth > filterLimits.depth) throw tooDeep()
  spend(budget, 1)
  if (isFilter(input)) return input
  if (!isPlainObject(input))
    throw invalid(
      `${named(place)} is an object such as { source: 'NHLBI', year: { gte: 2000 } }; got ${describe(input)}.`,
    )
  if (isLikeFilter(input))
    throw invalid(
      `${named(place)} was made by another copy of this package, or changed since it was made: make it anew.`,
    )
  const entries = entriesOf(input, place, budget)
  const parts = entries.map(([key, condition]) => {
    const at = inside(place, key)
    if (condition === undefined)
      throw invalid(`${at()} is undefined. Leave it out on purpose, or write { exists: false } for what is missing.`)
    const combiner = Object.hasOwn(combiners, key) ? combiners[key] : undefined
    if (combiner) return combiner(condition, { place: at, depth, budget })
    if (/^\$[A-Za-z]/.test(key)) throw invalid(unknownCombiner(key, at))
    return readCondition(key, condition, { place: at, depth, budget })
  })
  return combine('and', parts)
}

const combiners: Readonly<Record<string, (operand: unknown, reading: Reading) => Filter>> = {
  $and: (operand, reading) => combine('and', readBranches(operand, reading)),
  $or: (operand, reading) => combine('or', readBranches(operand, reading)),
  $not: (operand, reading) => negate(readDeeper(operand, reading)),
}

function readBranches(operand: unknown, reading: Reading): Filter[] {
  const { place, budget } = reading
  if (!Array.isArray(operand)) throw invalid(`${place()} needs a list of filters; got ${describe(operand)}.`)
  if (operand.length === 0) throw invalid(`${place()} is an empty list, which says nothing. Leave it out on purpose.`)
  if (operand.length > budget.parts) throw tooManyParts(operand.length)
  return Array.from({ length: operand.length }, (_, i) =>
    readDeeper(operand[i], { ...reading, place: inside(place, i) }),
  )
}

function readDeeper(operand: unknown, { place, depth, budget }: Reading): Filter {
  const filter = readFilter(operand, { place, depth: depth + 1, budget })
  if (isEveryPayload(filter)) throw emptyBranch(place)
  return filter
}

function readCondition(key: string, condition: unknown, { place, budget }: Reading): Filter {
  const field = pathOf(key)
  if (Array.isArray(condition)) {
    if (/^(and|or|not)$/.test(key) && isPlainObject(condition[0]))
      throw invalid(`${place()}: to combine filters, write $${key}.`)
    return readList(field, condition, place, budget)
  }
  if (!isPlainObject(condition) || isFilter(condition)) return oneOfLeaf(field, [condition], place)
  const entries = entriesOf(condition, place, budget)
  if (entries.length === 0) throw invalid(`${place()} has no condition. Leave it out on purpose.`)
  const ranges = entries.filter(([operator]) => rangeOperators.some((known) => known === operator))
  const others = entries.filter((entry) => !ranges.includes(entry))
  return combine('and', [
    ...(ranges.length > 0 ? [rangeLeaf(field, ranges, place)] : []),
    ...others.map(([operator, operand]) => {
      const make = Object.hasOwn(operators, operator) ? operators[operator] : undefined
      if (!make) throw invalid(unknownOperator(key, operator, place))
      return make(field, operand, { place: inside(place, operator), budget })
    }),
  ])
}

type Operator = (field: FieldPath, operand: unknown, reading: Pick<Reading, 'place' | 'budget'>) => Filter

const operators: Readonly<Record<string, Operator>> = {
  eq: (field, operand, { place }) => oneOfLeaf(field, [operand], place),
  in: (field, operand, { place, budget }) => {
    if (!Array.isArray(operand)) throw invalid(`${place()} needs a list of values; got ${describe(operand)}.`)
    return readList(field, operand, place, budget)
  },
  contains: (field, operand, { place }) => containsLeaf(field, operand, place),
  exists: (field, operand, { place }) => {
    if (typeof operand !== 'boolean') throw invalid(`${place()} needs true or false; got ${describe(operand)}.`)
    const exists = existsLeaf(field)
    return operand ? exists : make({ kind: 'not', filter: exists })
  },
}

function readList(field: FieldPath, list: readonly unknown[], place: Place, budget: Budget): Filter {
  const filter = oneOfLeaf(field, list, place)
  spend(budget, list.length)
  return filter
}

/** Every property is read once, so that it cannot change in between. */
function entriesOf(object: object, place: Place, budget: Budget): [key: string, value: unknown][] {
  if (Object.getOwnPropertySymbols(object).length > 0) throw invalid(`${named(place)} has a symbol as a key.`)
  const keys = Object.keys(object)
  spend(budget, keys.length)
  return keys.map((key) => [key, Reflect.get(object, key)])
}

function spend(budget: Budget, parts: number): void {
  budget.parts -= parts
  if (budget.parts < 0) throw tooManyParts(filterLimits.parts - budget.parts)
}

/** Objects as they are written or parsed, of any realm; no Map, no instance of a class. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (isFilter(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype ?? {}, 'isPrototypeOf')
}

const meant: Readonly<Record<string, string>> = {
  ne: 'not',
  neq: 'not',
  nin: 'not',
  notIn: 'not',
  not: 'not',
  like: 'contains',
  regex: 'contains',
  text: 'contains',
  match: 'contains',
  equals: 'eq',
  between: 'gte and lte',
  min: 'gte',
  max: 'lte',
}

function unknownOperator(field: string, operator: string, place: Place): string {
  const bare = operator.replace(/^\$/, '')
  const known = Object.hasOwn(operators, bare) || rangeOperators.some((name) => name === bare)
  const instead = known ? bare : Object.hasOwn(meant, bare) ? meant[bare] : undefined
  const hint =
    instead === 'not'
      ? ` Write { $not: { ${JSON.stringify(field)}: … } }.`
      : instead === undefined
        ? ' A nested field is written eq(["outer", "inner"], value).'
        : ` Write ${instead}.`
  return `${place()} has no operator ${JSON.stringify(operator.slice(0, 80))}; operators are ${[...rangeOperators, ...Object.keys(operators)].join(', ')}.${hint}`
}

function unknownCombiner(key: string, place: Place): string {
  const bare = key.slice(1)
  const operator = Object.hasOwn(operators, bare) || rangeOperators.some((name) => name === bare)
  const hint = operator
    ? `Operators stand under a field: { year: { ${bare}: … } }.`
    : bare === 'nor'
      ? 'Write { $not: { $or: [ … ] } }.'
      : `For a field of that name, write eq(${JSON.stringify(key.slice(0, 80))}, value).`
  return `${place()}: filters are combined by $and, $or and $not. ${hint}`
}

function emptyBranch(place: Place): Error {
  return invalid(`${named(place)} has no condition, so it would hold for every document. Leave it out on purpose.`)
}

function named(place: Place): string {
  return place() === '' ? 'A filter' : `${place()}`
}
