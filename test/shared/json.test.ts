import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson, writeJson } from '../../src/shared/index.ts'
import { fuzz } from '../support/fuzz.ts'

test('integers past 2^53 keep their digits, all others stay numbers', () => {
  const text =
    '{"a":9007199254740993,"b":[-12345678901234567890,9007199254740991,-9007199254740991],"c":"9007199254740993"}'
  expect(parseJson(text)).toEqual({
    a: '9007199254740993',
    b: ['-12345678901234567890', 9007199254740991, -9007199254740991],
    c: '9007199254740993',
  })
  expect(parseJson('[0.1234567890123456789,1e20,1.5e100,-0]')).toEqual([0.12345678901234568, 1e20, 1.5e100, -0])
})

test('a number that no number holds is refused, never kept as null', () => {
  for (const text of ['{"a":1e400}', '[-1E+999]', `[${'9'.repeat(320)}.0]`])
    expect(() => parseJson(text)).toThrow('too large for a number')
  expect(parseJson(`[${'9'.repeat(320)}]`)).toEqual(['9'.repeat(320)])
})

test('keys keep their meaning with large integers beside them', () => {
  const parsed = parseJson('{"__proto__":1,"constructor":12345678901234567,"":2}')
  expect(JSON.stringify(parsed)).toBe('{"__proto__":1,"constructor":"12345678901234567","":2}')
})

test('all else is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      fc.pre(!/\d{16}/.test(text))
      expect(JSON.stringify(parseJson(`{"x":${text},"y":"0123456789012345678"}`))).toBe(
        JSON.stringify({ x: JSON.parse(text), y: '0123456789012345678' }),
      )
    }),
    fuzz(200),
  )
  expect(() => parseJson('{"a":')).toThrow(SyntaxError)
})

test('a BigInt is written as a number where one holds it, else by its digits', () => {
  expect(writeJson({ a: 7n, b: [2n ** 64n], c: new Date(0) })).toBe(
    '{"a":7,"b":["18446744073709551616"],"c":"1970-01-01T00:00:00.000Z"}',
  )
})
