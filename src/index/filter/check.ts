import { own } from '../../shared/index.ts'
import type { Fields, FieldType } from './fields.ts'
import { momentOfText, placeOf } from './leaf.ts'
import { filterLimits } from './limits.ts'
import { canonicalFilter } from './meaning.ts'
import { combine, type Filter, invalid, isLeaf, type Leaf, type Limits, make, negate } from './node.ts'
import { read } from './plain.ts'
import type { FilterInput } from './types.ts'

/**
 * Checks a filter of either form and gives the frozen, canonical one; `invalid-filter` says what is wrong and where.
 * Declared fields are compared with their own type; what can never match is refused.
 */
export function toFilter(input: FilterInput, fields: Fields = {}): Filter {
  const filter = canonicalFilter(mapLeaves(read(input), (leaf) => checkLeaf(leaf, fields)))
  checkSize(filter)
  return filter
}

function mapLeaves(filter: Filter, change: (leaf: Leaf) => Filter): Filter {
  if (isLeaf(filter)) return change(filter)
  if (filter.kind === 'not') return negate(mapLeaves(filter.filter, change))
  return combine(
    filter.kind,
    filter.filters.map((part) => mapLeaves(part, change)),
  )
}

function checkLeaf(leaf: Leaf, fields: Fields): Filter {
  const [first, ...rest] = leaf.field
  const type = own(fields, first)
  if (type !== undefined && rest.length > 0)
    throw invalid(
      `${placeOf(leaf.field)()}: the field ${JSON.stringify(first)} is declared as ${type}, so nothing lies under it.`,
    )
  const checked = type === undefined ? leaf : declared[type](leaf)
  if (checked.kind === 'range') checkSatisfiable(checked)
  return checked
}

type Check = (leaf: Leaf) => Filter

const declared: Readonly<Record<FieldType, Check>> = {
  keyword: (leaf) => onlyComparedWith(leaf, 'keyword', 'string'),
  number: (leaf) => onlyComparedWith(leaf, 'number', 'number'),
  boolean: (leaf) => onlyComparedWith(leaf, 'boolean', 'boolean'),
  date: toInstants,
}

function onlyComparedWith(leaf: Leaf, type: FieldType, comparable: string): Filter {
  const wrong = comparedWith(leaf).find((compared) => compared !== comparable)
  if (wrong !== undefined) throw neverMatches(leaf, type, wrong)
  return leaf
}

/** What a condition compares a value with. */
function comparedWith(leaf: Leaf): readonly string[] {
  switch (leaf.kind) {
    case 'in':
      return leaf.values.map((value) => typeof value)
    case 'at':
      return ['Date']
    case 'range':
      return [leaf.of === 'date' ? 'Date' : leaf.of]
    case 'contains':
      return ['string']
    case 'exists':
      return []
  }
}

/** Strings that a date field is compared with are the instants they name. */
function toInstants(leaf: Leaf): Filter {
  const { field } = leaf
  const place = placeOf(field)
  const moment = (value: unknown) => {
    if (typeof value !== 'string') throw neverMatches(leaf, 'date', typeof value)
    return momentOfText(value, place)
  }
  if (leaf.kind === 'in') return make({ kind: 'at', field, moments: Object.freeze(leaf.values.map(moment)) })
  if (leaf.kind === 'contains') throw neverMatches(leaf, 'date', 'part of a string')
  if (leaf.kind !== 'range' || leaf.of === 'date') return leaf
  const limits = Object.entries(leaf.range).map(([name, limit]) => [name, moment(limit)])
  return make({ kind: 'range', field, of: 'date', range: Object.freeze(Object.fromEntries(limits)) })
}

function neverMatches({ field }: Leaf, type: FieldType, compared: string): Error {
  return invalid(
    `${placeOf(field)()}: the field is declared as ${type}; compared with a ${compared} it would never match.`,
  )
}

function checkSatisfiable({ field, range }: Extract<Leaf, { kind: 'range' }>): void {
  const { gt, gte, lt, lte }: Limits<number | string> = range
  const meets = (low: number | string | undefined, high: number | string | undefined, including: boolean) =>
    low === undefined || high === undefined || low < high || (including && low === high)
  if (meets(gt, lt, false) && meets(gt, lte, false) && meets(gte, lt, false) && meets(gte, lte, true)) return
  throw invalid(
    `${placeOf(field)()}: no value is within ${JSON.stringify(range).slice(0, 200)}, so it would never match.`,
  )
}

/** What remains after equalities were merged must fit into one question to a store. */
function checkSize(filter: Filter): void {
  const total = { conditions: 0, comparisons: 0, bytes: 0 }
  measure(filter, total)
  const { conditions, comparisons, bytes } = total
  if (conditions > filterLimits.conditions)
    throw invalid(
      `The filter has ${conditions} conditions, equalities over one field counted once; at most ${filterLimits.conditions}.`,
    )
  if (comparisons > filterLimits.comparisons)
    throw invalid(
      `The filter has ${comparisons} ranges and conditions with contains; at most ${filterLimits.comparisons}.`,
    )
  if (bytes > filterLimits.bytes)
    throw invalid(`The filter has ${bytes} bytes of names and values; at most ${filterLimits.bytes}.`)
}

function measure(filter: Filter, total: { conditions: number; comparisons: number; bytes: number }): void {
  if (filter.kind === 'not') measure(filter.filter, total)
  else if (!isLeaf(filter)) for (const part of filter.filters) measure(part, total)
  else {
    const values = valuesOf(filter)
    if (values.length > filterLimits.values)
      throw invalid(
        `${placeOf(filter.field)()} is compared with ${values.length} values in all; at most ${filterLimits.values}.`,
      )
    total.conditions += 1
    if (filter.kind === 'range' || filter.kind === 'contains') total.comparisons += 1
    for (const value of [...filter.field, ...values])
      total.bytes += typeof value === 'string' ? Buffer.byteLength(value) : 8
  }
}

function valuesOf(leaf: Leaf): readonly unknown[] {
  switch (leaf.kind) {
    case 'in':
      return leaf.values
    case 'at':
      return leaf.moments
    case 'range':
      return Object.values(leaf.range)
    case 'contains':
      return [leaf.text]
    case 'exists':
      return []
  }
}
