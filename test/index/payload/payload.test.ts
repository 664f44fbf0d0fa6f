import { describe, expect, test } from 'vitest'
import { keptPayload } from '../../../src/index/payload/payload.ts'

class Money {
  readonly cents = 5
  readonly currency = 'EUR'
}

describe('a payload is kept as JSON says it', () => {
  test('dates become ISO 8601, undefined keys go, -0 is 0, big integers keep their digits', () => {
    const payload = {
      when: new Date(0),
      list: [new Date(1), 'x', null],
      gone: undefined,
      zero: -0,
      big: 12345678901234567890n,
      small: 5n,
      price: new Money(),
      written: { toJSON: () => ({ a: 1 }) },
    }
    expect(keptPayload(payload)).toEqual({
      when: '1970-01-01T00:00:00.000Z',
      list: ['1970-01-01T00:00:00.001Z', 'x', null],
      zero: 0,
      big: '12345678901234567890',
      small: 5,
      price: { cents: 5, currency: 'EUR' },
      written: { a: 1 },
    })
    expect(Object.is(keptPayload(payload)['zero'], 0)).toBe(true)
    expect(Object.entries(keptPayload(JSON.parse('{"__proto__":1,"constructor":2}')))).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ])
  })

  const cyclic: Record<string, unknown> = {}
  cyclic['a'] = { b: [cyclic] }
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = { a: deep }

  test.each<[object, RegExp]>([
    [{ a: { b: [1, Number.NaN] } }, /^payload\.a\.b\[1\] is NaN/],
    [{ a: Number.POSITIVE_INFINITY }, /^payload\.a is Infinity/],
    [{ a: [Number.NEGATIVE_INFINITY] }, /^payload\.a\[0\] is -Infinity/],
    [{ a: [1, undefined] }, /^payload\.a\[1\] is undefined/],
    // biome-ignore lint/suspicious/noSparseArray: holes become null in JSON
    [{ a: [1, , 2] }, /^payload\.a\[1\] is undefined/],
    [{ a: () => 1 }, /^payload\.a is a function/],
    [{ a: Symbol('x') }, /^payload\.a is a symbol/],
    [{ a: new Date('soon') }, /^payload\.a is an invalid Date/],
    [{ a: new Map([['x', 1]]) }, /^payload\.a is a Map/],
    [{ a: new Set([1]) }, /^payload\.a is a Set/],
    [{ a: /x/ }, /^payload\.a is a RegExp/],
    [{ a: Float32Array.of(1) }, /^payload\.a is a Float32Array/],
    [cyclic, /^payload\.a\.b\[0\] is an object that holds itself/],
    [{ deep }, /nested more than 64 levels/],
    [{ toJSON: () => 'x' }, /must be an object/],
  ])('refuses %o', (payload, message) => {
    expect(() => keptPayload(payload)).toThrow(
      expect.objectContaining({ code: 'invalid-input', message: expect.stringMatching(message) }),
    )
  })

  test('refuses what throws when it is read', () => {
    const throwing = {
      get a() {
        throw new Error('no a')
      },
    }
    expect(() => keptPayload(throwing)).toThrow(/cannot be read: no a/)
  })
})
