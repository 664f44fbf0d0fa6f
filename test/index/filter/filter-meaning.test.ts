import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  and,
  canonicalFilter,
  contains,
  eq,
  exists,
  type FilterInput,
  gt,
  gte,
  lt,
  lte,
  matchesFilter,
  not,
  oneOf,
  or,
  toFilter,
} from '../../../src/index/filter/index.ts'
import { payloadOutside } from '../../../src/index/filter/witness.ts'
import { checkNarrows } from '../../../src/index/search/check-search.ts'
import { fieldProblem } from '../../../src/index/stores/check.ts'
import { declaredFields, filters, filtersOf, payloads } from '../../../src/testing/filters/samples.ts'

const runs = { numRuns: 1_500, seed: 7 }

describe('the canonical form', () => {
  test.each<[FilterInput[]]>([
    [
      [
        { a: 'x' },
        { a: { eq: 'x' } },
        { a: { in: ['x'] } },
        { a: ['x', 'x'] },
        { $and: [{ a: 'x' }] },
        { $or: [{ a: 'x' }, { a: ['x'] }] },
      ],
    ],
    [
      [
        { a: ['x', 'y'] },
        { $or: [{ a: 'y' }, { a: 'x' }] },
        oneOf('a', ['y', 'x', 'y']),
        { $not: { $and: [not(eq('a', 'x')), { $not: { a: 'y' } }] } },
      ],
    ],
    [
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
        and(eq('b', 2), eq('a', 1), eq('b', 2)),
        { $and: [{ $and: [{ a: 1 }] }, { b: 2 }] },
      ],
    ],
    [[{ a: { exists: false } }, { $not: { a: { exists: true } } }, not(exists('a'))]],
    [[{ $not: { $or: [{ a: 1 }, { b: 1 }] } }, { $and: [{ $not: { b: 1 } }, { $not: { a: 1 } }] }]],
    [[{ n: { gt: 3, gte: 2 } }, { n: { gt: 3 } }]],
    [[{ n: -0 }, { n: 0 }]],
    [[{ when: new Date('2024-01-01') }, eq('when', new Date('2024-01-01T00:00Z'))]],
  ])('is the same for one meaning: %j', (same) => {
    expect(new Set(same.map((filter) => JSON.stringify(toFilter(filter)))).size).toBe(1)
  })

  test.each<[FilterInput, FilterInput]>([
    [{ a: '1' }, { a: 1 }],
    [{ a: true }, { a: 'true' }],
    [eq('a.b', 1), eq(['a', 'b'], 1)],
    [eq('a', '2024-01-01'), eq('a', new Date('2024-01-01'))],
    [{ n: { gt: 3 } }, { n: { gte: 3 } }],
  ])('is another one for %j and %j', (one, other) => {
    expect(JSON.stringify(toFilter(one))).not.toBe(JSON.stringify(toFilter(other)))
  })

  test('means what was written, and is its own canonical form', () => {
    fc.assert(
      fc.property(filters, fc.array(payloads, { minLength: 5, maxLength: 5 }), (filter, list) => {
        const canonical = canonicalFilter(filter)
        expect(canonicalFilter(canonical)).toEqual(canonical)
        for (const payload of list) expect(matchesFilter(canonical, payload)).toBe(matchesFilter(filter, payload))
      }),
      runs,
    )
  })
})

describe('a delete by a filter', () => {
  const everything: [string, FilterInput][] = [
    ['{}', {}],
    ['x or not x', or(exists('x'), not(exists('x')))],
    ['not (x and not x)', not(and({ a: 1 }, { $not: { a: 1 } }))],
    ['(x and y) or not (x and y)', or(and(eq('x', 1), eq('y', 2)), not(and(eq('x', 1), eq('y', 2))))],
    ['a set or not a part of it', or(oneOf('a', [1, 2]), not(eq('a', 1)))],
    ['a value, another, or missing', or(eq('a', true), eq('a', false), not(exists('a')))],
    ['ranges that cover, or missing', or(gte('n', 5), lt('n', 5), not(exists('n')))],
    ['ranges that overlap, or missing', or(gt('n', 2), lte('n', 7.5), { n: { exists: false } })],
    ['ranges of dates', or(gte('w', new Date(0)), lt('w', new Date(0)), not(exists('w')))],
    ['ranges of strings', or(gt('s', 'm'), lte('s', 'm'), not(exists('s')))],
    ['every string contains nothing', or(contains('s', ''), not(exists('s')))],
    ['what lies under a field', or(exists('a'), not(eq(['a', 'b'], 1)))],
    ['three ways', or(and({ a: 1 }, { b: 1 }), not(eq('a', 1)), not(eq('b', 1)))],
    ['what a boolean field can hold', { $or: [{ open: true }, { open: false }, { open: { exists: false } }] }],
    ['what a number field can hold', { $or: [{ year: { lt: 0 } }, { year: { gte: 0 } }, { year: { exists: false } }] }],
  ]
  test.each(everything)('is refused where it holds for everything: %s', (_, input) => {
    expect(() => checkNarrows(toFilter(input, declaredFields), declaredFields)).toThrow(
      expect.objectContaining({ code: 'invalid-filter' }),
    )
  })

  test.each<[FilterInput]>([
    [{ tenant: 'a' }],
    [{ $not: { tenant: 'a' } }],
    [{ $not: { tenant: { exists: true } } }],
    [{ tenant: { exists: true } }],
    [{ $or: [{ year: { lt: 0 } }, { year: { gte: 0 } }] }],
    [{ $or: [{ year: { lt: 0 } }, { year: { gt: 0 } }, { year: { exists: false } }] }],
    [{ $or: [{ n: { lt: 0 } }, { n: { gt: 0 } }, { n: { exists: false } }] }],
    [{ $or: [{ s: { lt: 'm' } }, { s: { gt: 'm' } }, { s: { exists: false } }] }],
    [{ $or: [{ open: true }, { open: { exists: false } }] }],
    [{ $not: { tenant: Array.from({ length: 10_000 }, (_, i) => `t${i}`) } }],
    [{ $not: { $and: Array.from({ length: 250 }, (_, i) => ({ [`f${i}`]: 'x' })) } }],
    [{ $or: Array.from({ length: 125 }, (_, i) => ({ [`a${i}`]: 1, $not: { [`b${i}`]: 1 } })) }],
  ])('goes on where it leaves something: %j', (input) => {
    expect(() => checkNarrows(toFilter(input, declaredFields), declaredFields)).not.toThrow()
  })

  test('that passes leaves a payload that the fields allow', () => {
    fc.assert(
      fc.property(filters, (written) => {
        const outside = payloadOutside(canonicalFilter(written), declaredFields)
        if (!outside) return
        expect(matchesFilter(written, outside)).toBe(false)
        expect(fieldProblem(outside, declaredFields)).toBeUndefined()
      }),
      runs,
    )
  })

  test('is refused only where no small payload is left either', () => {
    const names = fc.constantFrom('a', 'b')
    const values = fc.constantFrom(1, 2, 3)
    const conditions = fc.oneof(
      fc.tuple(names, values).map(([name, value]) => eq(name, value)),
      fc.tuple(names, values).map(([name, value]) => gte(name, value)),
      fc.tuple(names, values).map(([name, value]) => lt(name, value)),
      names.map((name) => exists(name)),
    )
    const held = [undefined, 0, 1, 1.5, 2, 2.5, 3, 4, [1, 3], [0, 2]]
    const small = held.flatMap((a) =>
      held.map((b) => ({ ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) })),
    )
    let covering = 0
    fc.assert(
      fc.property(filtersOf(conditions), (written) => {
        const filter = toFilter(written)
        const left = small.find((payload) => !matchesFilter(filter, payload))
        if (left === undefined) covering += 1
        else if (/"range"|"in"/.test(JSON.stringify(filter)) || left) expect(payloadOutside(filter, {})).toBeDefined()
      }),
      { numRuns: 3_000, seed: 9 },
    )
    expect(covering).toBeGreaterThan(0)
  })
})
