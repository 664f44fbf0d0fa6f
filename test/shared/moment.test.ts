import fc from 'fast-check'
import { expect, test } from 'vitest'
import { momentOf } from '../../src/shared/index.ts'

test.each([
  ['2024-01-01', '2024-01-01T00:00:00.000Z'],
  ['2024-01-01T01:00:00+01:00', '2024-01-01T00:00:00.000Z'],
  ['2024-01-01T01:00:00+0100', '2024-01-01T00:00:00.000Z'],
  ['2024-01-01T01:00+01', '2024-01-01T00:00:00.000Z'],
  ['2023-12-31T18:30:00-05:30', '2024-01-01T00:00:00.000Z'],
  ['2024-01-01T10:20', '2024-01-01T10:20:00.000Z'],
  ['2024-01-01 10:20:30', '2024-01-01T10:20:30.000Z'],
  ['2024-01-01t10:20:30.25z', '2024-01-01T10:20:30.250Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['0001-01-01', '0001-01-01T00:00:00.000Z'],
  ['+012024-01-01T00:00:00.000Z', '+012024-01-01T00:00:00.000Z'],
  ['-000044-03-15', '-000044-03-15T00:00:00.000Z'],
])('%s is the instant %s', (text, instant) => {
  expect(new Date(momentOf(text) ?? Number.NaN).toISOString()).toBe(instant)
})

test.each([
  [''],
  ['2024'],
  ['2024-01'],
  ['2024-W01-1'],
  ['2024-001'],
  ['20240101'],
  ['2024-1-1'],
  ['01/02/2024'],
  ['2024-02-30'],
  ['2023-02-29'],
  ['2024-13-01'],
  ['2024-01-01T24:00:00Z'],
  ['2024-01-01T23:59:60Z'],
  ['2024-01-01T10'],
  ['2024-01-01T'],
  ['2024-01-01T10:00:00 Z'],
  ['2024-01-01T10:00:00+25:00'],
  ['-000000-01-01'],
  ['+999999-01-01T00:00:00Z'],
  ['soon'],
  ['2024-01-01T10:00:00Zulu'],
])('%s is no instant', (text) => {
  expect(momentOf(text)).toBeUndefined()
})

test('every Date comes back from its ISO string', () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), (date) => {
      expect(momentOf(date.toISOString())).toBe(date.getTime())
    }),
  )
})

test('microseconds keep their order, and one instant is one number however it is written', () => {
  const at = (text: string) => momentOf(text) ?? Number.NaN
  expect(at('2024-01-01T00:00:00.000001Z')).toBeGreaterThan(at('2024-01-01T00:00:00Z'))
  expect(at('2024-01-01T00:00:00.000002Z')).toBeGreaterThan(at('2024-01-01T00:00:00.000001Z'))
  expect(at('2024-05-31T23:59:59.123457+05:45')).toBe(at('2024-05-31T18:14:59.123457Z'))
})
