import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { Fields, FieldType } from '../../../src/index/filter/fields.ts'
import {
  and,
  contains,
  eq,
  exists,
  filterLimits,
  gt,
  matchesFilter,
  not,
  oneOf,
  or,
  range,
  toFilter,
} from '../../../src/index/filter/index.ts'
import type { JsonObject } from '../../../src/shared/index.ts'

/** What callers without types may pass. */
const build = (input: unknown, fields?: Fields): unknown => Reflect.apply(toFilter, undefined, [input, fields])
const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'invalid-filter', message: expect.stringMatching(message) })
const refuses = (input: unknown, message: RegExp, fields?: Fields) =>
  expect(() => build(input, fields)).toThrow(refused(message))

class Account {
  readonly tenant = 'a'
}

describe('a filter never means more than was written', () => {
  test.each<[unknown, RegExp]>([
    [{ tenant: undefined }, /^tenant is undefined/],
    [{ $and: [{ tenant: undefined }] }, /^\$and\[0\]\.tenant is undefined/],
    [{ $or: [{ a: 1 }, {}] }, /^\$or\[1\] has no condition/],
    [{ $or: [{}] }, /^\$or\[0\] has no condition/],
    [{ $not: { $or: [] } }, /^\$not\.\$or is an empty list/],
    [{ $not: {} }, /^\$not has no condition/],
    [{ $and: [] }, /^\$and is an empty list/],
    [{ $and: undefined }, /^\$and is undefined/],
    [{ tenant: [undefined] }, /^tenant is compared with .*; got undefined/],
    [{ tenant: ['a', undefined] }, /^tenant\[1\] is compared with .*; got undefined/],
    // biome-ignore lint/suspicious/noSparseArray: a hole is one way to lose a value
    [{ tenant: ['a', , 'b'] }, /^tenant\[1\]/],
    [{ tenant: { eq: undefined } }, /^tenant\.eq/],
    [{ tenant: { in: undefined } }, /^tenant\.in/],
    [{ tenant: { in: [] } }, /^tenant\.in: an empty list/],
    [{ tenant: [] }, /^tenant: an empty list/],
    [{ tenant: {} }, /^tenant has no condition/],
    [{ year: { gte: undefined } }, /^year\.gte/],
    [{ year: { gte: 1, lt: undefined } }, /^year\.lt/],
    [{ tenant: { exists: undefined } }, /^tenant\.exists/],
    [{ tenant: { contains: undefined } }, /^tenant\.contains/],
    [{ tenant: null }, /exists: false/],
    [{ tenant: [null] }, /exists: false/],
    [{ 'a b': { eq: null } }, /^\["a b"\]\.eq/],
    [{ tenant: new Map([['eq', 'a']]) }, /a Map/],
    [{ tenant: new Set(['a']) }, /a Set/],
    [{ tenant: /a/ }, /a RegExp/],
    [{ tenant: () => true }, /a function/],
    [{ tenant: Symbol('a') }, /a symbol/],
    [{ tenant: 5n }, /5/],
    [{ tenant: new Account() }, /an object/],
    [{ tenant: Promise.resolve('a') }, /a Promise/],
    [{ [Symbol('tenant')]: 'a' }, /symbol/],
    [new Account(), /A filter is an object/],
    [new Map(), /a Map/],
    [[{ a: 1 }], /a list/],
    [null, /null/],
    [undefined, /undefined/],
    ['a', /a string/],
    [{ n: Number.NaN }, /NaN/],
    [{ n: [Number.POSITIVE_INFINITY] }, /Infinity/],
    [{ n: { gt: Number.NEGATIVE_INFINITY } }, /-Infinity/],
    [{ when: new Date('soon') }, /invalid Date/],
    [{ when: { gt: new Date('soon') } }, /invalid Date/],
    [{ ...eq('a', 1) }, /changed since it was made/],
    [{ n: { gt: true } }, /a limit is a number/],
  ])('refuses %o', (input, message) => refuses(input, message))

  test.each<[string, () => unknown]>([
    ['and()', () => and()],
    ['or()', () => or()],
    ['not({})', () => not({})],
    ['and({})', () => and({})],
    ['or(x, {})', () => or(eq('a', 1), {})],
    ['oneOf(a, [])', () => oneOf('a', [])],
    ['range(a, {})', () => range('a', {})],
    ['eq([])', () => Reflect.apply(eq, undefined, [[], 1])],
    ['eq(undefined)', () => Reflect.apply(eq, undefined, [undefined, 1])],
    ['eq(a, undefined)', () => Reflect.apply(eq, undefined, ['a', undefined])],
    ['range(a, { gtt: 3 })', () => Reflect.apply(range, undefined, ['a', { gtt: 3 }])],
  ])('%s is refused where it is written', (_, make) => expect(make).toThrow(refused(/./)))

  test('{} alone is no condition, and holds for every payload', () => {
    expect(matchesFilter(toFilter({}), {})).toBe(true)
  })

  test('objects of another realm and without a prototype are read, a Date of another realm too', () => {
    const filter = toFilter(runInNewContext("({ a: { eq: 'x' }, when: { gte: new Date(0) } })"))
    expect(filter).toEqual(toFilter({ a: 'x', when: { gte: new Date(0) } }))
    expect(build(Object.assign(Object.create(null), { a: 'x' }))).toEqual(toFilter({ a: 'x' }))
    refuses({ __proto__: { a: 'x' } }, /A filter is an object/)
  })
})

describe('what can never match is an error that names the right spelling', () => {
  const fields: Fields = { year: 'number', source: 'keyword', open: 'boolean', when: 'date' }

  test.each<[unknown, RegExp]>([
    [{ year: { gtt: 3 } }, /year has no operator "gtt"; operators are gt, gte, lt, lte, eq, in, contains, exists/],
    [{ year: { $gt: 3 } }, /Write gt\./],
    [{ year: { $in: [3] } }, /Write in\./],
    [{ year: { ne: 3 } }, /Write \{ \$not: \{ "year": … \} \}/],
    [{ source: { $regex: 'a' } }, /Write contains\./],
    [{ year: { constructor: 3 } }, /no operator "constructor"/],
    [{ $gt: 3 }, /Operators stand under a field: \{ year: \{ gt: … \} \}/],
    [{ $nor: [{ a: 1 }] }, /\$not: \{ \$or: \[ … \] \}/],
    [{ $foo: 'x' }, /eq\("\$foo", value\)/],
    [{ and: [{ a: 1 }] }, /write \$and/],
    [{ year: '2000' }, /declared as number; compared with a string/],
    [{ year: { gte: '2000' } }, /declared as number; compared with a string/],
    [{ year: [2000, true] }, /declared as number; compared with a boolean/],
    [{ year: { contains: '2' } }, /declared as number/],
    [{ year: new Date() }, /declared as number; compared with a Date/],
    [{ source: 5 }, /declared as keyword; compared with a number/],
    [{ source: { gt: new Date() } }, /declared as keyword; compared with a Date/],
    [{ open: 'true' }, /declared as boolean; compared with a string/],
    [{ open: { gt: 0 } }, /declared as boolean; compared with a number/],
    [{ when: 5 }, /declared as date; compared with a number/],
    [{ when: 'soon' }, /"soon" is no date/],
    [{ when: { gte: '2024' } }, /"2024" is no date/],
    [{ when: { gte: 1704067200000 } }, /declared as date; compared with a number/],
    [{ when: { contains: '2024' } }, /declared as date; compared with a part of a string/],
    [{ $not: { year: 'x' } }, /declared as number/],
    [{ year: { gt: 5, lt: 3 } }, /no value is within/],
    [{ year: { gt: 5, lte: 5 } }, /no value is within/],
    [{ source: { gte: 'b', lt: 'a' } }, /no value is within/],
    [{ when: { gt: '2024-01-01', lte: '2024-01-01T01:00:00+01:00' } }, /no value is within/],
    [{ when: { gt: new Date(), lt: 5 } }, /limits of different types/],
    [{ x: { gt: 1, lt: 'z' } }, /limits of different types/],
    [{ x: { gt: new Date(), lt: 'soon' } }, /"soon" is no date/],
  ])('refuses %o', (input, message) => refuses(input, message, fields))

  test('a field under one that is declared as a plain value is refused', () => {
    refuses(eq(['year', 'x'], 1), /nothing lies under it/, fields)
  })

  test('names that every object inherits are no declarations', () => {
    expect(matchesFilter(toFilter({ constructor: 5 }, { year: 'number' }), { constructor: 5 })).toBe(true)
    const declared = Object.fromEntries<FieldType>([['constructor', 'keyword']])
    refuses({ constructor: 5 }, /declared as keyword/, declared)
    refuses(JSON.parse('{"__proto__":5}'), /declared as keyword/, JSON.parse('{"__proto__":"keyword"}'))
  })

  test('limits that meet are no contradiction', () => {
    const day = toFilter({ when: { gte: '2024-01-01T01:00:00+01:00', lte: '2024-01-01' } }, fields)
    expect(matchesFilter(day, { when: '2024-01-01T00:00Z' })).toBe(true)
  })
})

describe('one range is about one element', () => {
  test.each<[JsonObject, boolean]>([
    [{ n: [1, 9] }, false],
    [{ n: [1, 5] }, true],
    [{ n: 5 }, true],
    [{ n: '5' }, false],
  ])('%j', (payload, expected) => {
    expect(matchesFilter(toFilter({ n: { gt: 4, lt: 6 } }), payload)).toBe(expected)
    expect(matchesFilter(and(gt('n', 4), { n: { lt: 6 } }), { n: [1, 9] })).toBe(true)
  })
})

describe('a filter has limits, and no filter overflows the stack or hangs', () => {
  const { conditions, comparisons, values, depth, stringBytes, bytes, parts } = filterLimits
  const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))

  test('equalities over one field are one condition, however many branches', () => {
    const filter = toFilter({ $or: times(9_000, (i) => ({ tenant: `t${i}` })) })
    expect(filter).toMatchObject({ kind: 'in' })
    const denied = toFilter({ $and: times(4_000, (i) => ({ $not: { tenant: `t${i}` } })) })
    expect(denied).toMatchObject({ kind: 'not', filter: { kind: 'in' } })
    const same = toFilter({ $or: times(9_000, (i) => ({ tenant: `t${i % 50}` })) })
    expect(same).toMatchObject({ kind: 'in' })
  })

  test('what is beyond a limit says what it is and what the limit is', () => {
    refuses(
      { $or: [{ a: times(6_000, String) }, { a: times(6_000, (i) => `b${i}`) }] },
      /12000 values in all; at most 10000/,
    )
    refuses({ $or: times(40_000, (i) => ({ [`f${i}`]: 1 })) }, /40000 branches and values; at most 20000/)
    refuses({ $or: times(conditions + 1, (i) => ({ [`f${i}`]: 1 })) }, /257 conditions.*; at most 256/)
    refuses(
      { $or: times(comparisons + 1, (i) => ({ n: { gt: i } })) },
      /65 ranges and conditions with contains; at most 64/,
    )
    refuses({ $and: times(comparisons + 1, (i) => ({ n: { contains: `${i}` } })) }, /65 ranges/)
    for (const many of [times(conditions, (i) => ({ [`f${i}`]: 1 })), times(comparisons, (i) => ({ n: { gt: i } }))])
      expect(toFilter({ $or: many })).toMatchObject({ kind: 'or', filters: { length: many.length } })
    refuses({ tenant: times(values + 1, String) }, /10001 values; at most 10000/)
    refuses({ $or: times(parts + 1, (i) => ({ a: i })) }, /20001 branches/)
    refuses({ a: 'x'.repeat(stringBytes + 1) }, /65537 bytes; at most 65536/)
    refuses({ ['é'.repeat(stringBytes)]: 1 }, /131072 bytes/)
    refuses({ a: times(bytes / 1_000 + 1, (i) => `${i}`.padEnd(1_000)) }, /at most 1048576/)
    refuses({ a: new Array(4_000_000_000) }, /4000000000 values/)
    refuses({ $and: new Array(4_000_000_000) }, /4000000000 branches/)
  })

  test('depth', () => {
    const nested = (levels: number): unknown => {
      let filter: unknown = { a: 1 }
      for (let i = 0; i < levels; i++) filter = { [i % 2 === 0 ? '$and' : '$or']: [filter, { b: i }] }
      return filter
    }
    expect(() => build(nested(depth))).not.toThrow()
    refuses(nested(depth + 1), /more than 20 levels/)
    refuses(nested(100_000), /more than 20 levels/)
    let not100000: unknown = { a: 1 }
    for (let i = 0; i < 100_000; i++) not100000 = { $not: not100000 }
    refuses(not100000, /more than 20 levels/)
    expect(() => {
      let filter = eq('a', 1)
      for (let i = 0; i < 100_000; i++) filter = i % 2 === 0 ? and(filter, { b: i }) : or(filter, { c: i })
    }).toThrow(refused(/more than 20 levels/))
  })

  test('long chains of functions are flat', () => {
    let filter = eq('a', 0)
    for (let i = 1; i < 1_000; i++) filter = or(filter, eq('a', i))
    for (let i = 0; i < 1_001; i++) filter = not(filter)
    expect(toFilter(filter)).toMatchObject({ kind: 'not', filter: { kind: 'in' } })
  })

  test('cycles, shared branches, getters that throw and values that change', () => {
    const cyclic: Record<string, unknown> = { a: 1 }
    cyclic['$and'] = [cyclic, cyclic]
    refuses(cyclic, /more than 20 levels|branches/)
    let shared: unknown = { a: 1 }
    for (let i = 0; i < 15; i++) shared = { $and: Array.from({ length: 20 }, () => shared) }
    refuses(shared, /branches/)
    let built = eq('a', 1)
    expect(() => {
      for (let i = 0; i < 19; i++)
        built = i % 2 === 0 ? and(built, not(built), contains('b', `${i}`)) : or(built, not(built), exists('c'))
    }).toThrow(refused(/branches|levels/))
    refuses(
      {
        get a() {
          throw new Error('no a today')
        },
      },
      /cannot be read: no a today/,
    )
    let reads = 0
    const changing = {
      get a() {
        reads += 1
        return reads === 1 ? 'x' : undefined
      },
    }
    expect(build(changing)).toEqual(toFilter({ a: 'x' }))
  })

  test('a list that changes afterwards changes no filter', () => {
    const list = ['a']
    const filter = oneOf('x', list)
    list.push('b')
    expect(matchesFilter(filter, { x: 'b' })).toBe(false)
    expect(Object.isFrozen(filter)).toBe(true)
  })
})
