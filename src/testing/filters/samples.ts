import fc from 'fast-check'
import { and, contains, eq, exists, type Fields, type Filter, not, oneOf, or, range } from '../../index/index.ts'
import type { JsonObject, JsonValue } from '../../shared/index.ts'

/** Strings that a query language, a path or an object may stumble over, as names and as values. */
export const hostile = [
  `' OR 1=1 --`,
  '"',
  '`',
  "it's",
  '\0',
  '\\',
  '$',
  '$.a',
  'a.b',
  '[0]',
  '',
  ' ',
  '%',
  '_',
  '\u{1f9ea}',
  'é',
  '\ud800',
  '{}',
  ')',
  ';\n',
]

/** Members that every object inherits. */
export const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

/** Fields as the suites declare them, one of each type. */
export const declaredFields: Fields = { year: 'number', source: 'keyword', open: 'boolean', when: 'date' }

/** Instants, one of them written in several ways. */
export const dates = [
  '2024-01-01',
  '2024-01-01T00:00:00Z',
  '2024-01-01T01:00:00+01:00',
  '2023-12-31T23:59:59.999Z',
  '2024-05-31T12:30',
  '1969-07-20T20:17:40.5-05:00',
  '+012024-01-01T00:00:00.000Z',
]
const operandDates = [
  '2024-01-01',
  '2023-12-31T23:59:59.999Z',
  '2024-05-31T12:30Z',
  '1969-07-21T01:17:40.5Z',
  '+012024-01-01T00:00:00.000Z',
].map((text) => new Date(text))

const names = fc.constantFrom('year', 'source', 'open', 'when', 'tags', ...hostile, ...inherited)
const strings = fc.constantFrom(...hostile, ...dates, 'NHLBI', 'a'.repeat(200), '\uffff', '\u{10000}')
const numbers = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, -1.5e-7, 1e21, -1e300, 5e-324, -0))
const scalars = fc.oneof(strings, numbers, fc.boolean())
const operands = fc.oneof({ weight: 5, arbitrary: scalars }, fc.constantFrom(...operandDates))

const values: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 4, arbitrary: scalars },
  fc.array(fc.oneof(scalars, fc.constant(null)), { maxLength: 3 }),
  fc.constant(null),
  fc.dictionary(names, scalars, { maxKeys: 2 }),
)
const typed = {
  year: fc.integer({ min: -3, max: 3 }),
  source: fc.oneof(fc.constantFrom(...hostile), fc.array(fc.constantFrom(...hostile, ...dates), { maxLength: 2 })),
  open: fc.boolean(),
  when: fc.oneof(fc.constantFrom(...dates), fc.array(fc.constantFrom(...dates), { maxLength: 3 })),
}

/** Payloads that {@link declaredFields} allow. */
export const payloads: fc.Arbitrary<JsonObject> = fc
  .tuple(fc.dictionary(names, values, { maxKeys: 4, noNullPrototype: true }), fc.record(typed, { requiredKeys: [] }))
  .map(([free, declared]) =>
    Object.fromEntries([
      ...Object.entries(free).filter(([key]) => !Object.hasOwn(typed, key)),
      ...Object.entries(declared),
    ]),
  )

const fields = fc.oneof(
  { weight: 4, arbitrary: names },
  fc.tuple(names, names).map(([outer, inner]): [string, string] => [outer, inner]),
)

/** Limits of one type, at least one of them. */
function limits<T>(of: fc.Arbitrary<T>): fc.Arbitrary<{ gt?: T; gte?: T; lt?: T; lte?: T }> {
  return fc
    .record({ gt: of, gte: of, lt: of, lte: of }, { requiredKeys: [] })
    .filter((given) => Object.keys(given).length > 0)
}

const leaves: fc.Arbitrary<Filter> = fc.oneof(
  fc.tuple(fields, operands).map(([field, value]) => eq(field, value)),
  fc.tuple(fields, fc.array(operands, { minLength: 1, maxLength: 3 })).map(([field, list]) => oneOf(field, list)),
  fc.tuple(fields, limits(numbers)).map(([field, given]) => range(field, given)),
  fc.tuple(fields, limits(strings)).map(([field, given]) => range(field, given)),
  fc.tuple(fields, limits(fc.constantFrom(...operandDates))).map(([field, given]) => range(field, given)),
  fields.map((field) => exists(field)),
  fc.tuple(fields, fc.constantFrom(...hostile, 'H')).map(([field, text]) => contains(field, text)),
)

/** Filters made of these conditions, three levels deep and more. */
export function filtersOf(conditions: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> {
  return fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 3, arbitrary: conditions },
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((parts) => and(...parts)),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((parts) => or(...parts)),
      tie('filter').map((part) => not(part)),
    ),
  })).filter
}

/** Filters over everything that the grammar has, whatever the names and values. */
export const filters = filtersOf(leaves)
