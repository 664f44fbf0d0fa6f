import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPlaces } from '../../../src/index/text/places.ts'

test('the line of a chunk is that of its first word, however many chunks were asked before', () => {
  const text = fc
    .array(fc.constantFrom('word ', '\n', '\n\n', '  ', 'x'), { maxLength: 60 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.nat(80)), fc.array(fc.nat(80), { maxLength: 4 }), (text, offsets, starts) => {
      const sections = starts
        .filter((start) => start <= text.length)
        .sort((a, b) => a - b)
        .map((start, i) => ({ start, line: 1 + text.slice(0, start).split('\n').length, heading: `h${i}` }))
      const placeOf = createPlaces({ id: 'a', text, sections })
      for (const offset of offsets.filter((offset) => offset < text.length).sort((a, b) => a - b)) {
        const word = offset + Math.max(0, text.slice(offset).search(/\S/))
        const section = sections.findLast(({ start }) => start <= word)
        const line = section && 1 + text.slice(0, word).split('\n').length
        expect(placeOf(offset)).toEqual({ heading: section?.heading, line, page: undefined })
      }
    }),
    { numRuns: 500, seed: 3 },
  )
})
