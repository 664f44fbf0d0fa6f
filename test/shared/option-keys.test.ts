import { expect, test } from 'vitest'
import { checkOptionKeys, nearest } from '../../src/shared/index.ts'

const known = { limit: true, offset: true, minScore: true } as const

test('a known key passes, whatever its value', () => {
  expect(() => checkOptionKeys('search', { limit: undefined, minScore: 1 }, known)).not.toThrow()
  expect(() => checkOptionKeys('search', {}, known)).not.toThrow()
})

test('an unknown key is named, with the one that may have been meant and all that there are', () => {
  const options: object = { limt: 3 }
  expect(() => checkOptionKeys('search', options, known)).toThrow(
    'search has no option "limt". Did you mean "limit"? It has limit, offset, minScore.',
  )
})

test('a member of Object.prototype is no known key', () => {
  const options: object = { constructor: 1 }
  expect(() => checkOptionKeys('search', options, known)).toThrow('search has no option "constructor". It has')
})

test.each([[5], [null], ['limit'], [[1]]])('options that are no object are refused: %j', (options) => {
  const given = JSON.parse(JSON.stringify(options))
  expect(() => checkOptionKeys('search', given, known)).toThrow('The options of search are an object; got')
})

test.each([
  ['minscore', 'minScore'],
  ['min_score', 'minScore'],
  ['min-score', 'minScore'],
  ['ofset', 'offset'],
  ['limits', 'limit'],
  ['groupBy', undefined],
  ['', undefined],
])('%j is taken for a slip of %j', (given, meant) => {
  expect(nearest(given, Object.keys(known))).toBe(meant)
})
