import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ceilQuotientOf,
  type Dim,
  differenceOf,
  exactQuotientOf,
  floorQuotientOf,
  productOf,
  sizeAt,
  substitute,
  sumOf,
  symbolsOf,
} from '../../src/graph/index.ts'
import { fuzz } from '../support/fuzz.ts'

const sizes = { batch: 3, sequence: 7, 'batch-size': 5 }
const symbols = Object.keys(sizes)

/** A dim with what it is at the sizes. */
interface Sized {
  readonly dim: Dim
  readonly size: number
}
const leaf = fc.oneof(
  fc.integer({ min: 0, max: 20 }).map((size): Sized => ({ dim: size, size })),
  fc.constantFrom(...symbols).map((dim): Sized => ({ dim, size: sizeAt(dim, sizes) ?? 0 })),
)
const { sized } = fc.letrec<{ sized: Sized }>((tie) => ({
  sized: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(tie('sized'), tie('sized')).map(([a, b]) => ({ dim: sumOf([a.dim, b.dim]), size: a.size + b.size })),
    fc.tuple(tie('sized'), tie('sized')).map(([a, b]) => ({ dim: productOf([a.dim, b.dim]), size: a.size * b.size })),
    fc
      .tuple(tie('sized'), fc.integer({ min: 1, max: 4 }))
      .map(([a, by]) => ({ dim: differenceOf(a.dim, by), size: a.size - by })),
    fc
      .tuple(tie('sized'), fc.integer({ min: 1, max: 4 }))
      .map(([a, by]) => ({ dim: floorQuotientOf(a.dim, by), size: Math.floor(a.size / by) })),
    fc
      .tuple(tie('sized'), fc.integer({ min: 1, max: 4 }))
      .map(([a, by]) => ({ dim: ceilQuotientOf(a.dim, by), size: Math.ceil(a.size / by) })),
  ),
}))

test('dims count as numbers do, whatever sums, products and quotients they are made of', () => {
  fc.assert(
    fc.property(sized, ({ dim, size }) => {
      expect(sizeAt(dim, sizes)).toBe(size + 0) // no -0
      expect(sumOf([dim])).toBe(dim) // its text is read as it is written
    }),
    fuzz(500),
  )
})

test('equal dims have equal texts', () => {
  fc.assert(
    fc.property(sized, sized, sized, (a, b, c) => {
      expect(sumOf([a.dim, b.dim])).toBe(sumOf([b.dim, a.dim]))
      expect(productOf([a.dim, b.dim])).toBe(productOf([b.dim, a.dim]))
      const each = [productOf([a.dim, c.dim]), productOf([b.dim, c.dim])]
      expect(productOf([sumOf([a.dim, b.dim]), c.dim])).toBe(sumOf(each))
      expect(differenceOf(a.dim, a.dim)).toBe(0)
      if (b.dim !== 0) expect(exactQuotientOf(productOf([a.dim, b.dim]), b.dim)).toBe(a.dim)
    }),
    fuzz(300),
  )
})

test('texts', () => {
  expect(productOf(['sequence', 12, 'batch'])).toBe('12*batch*sequence')
  expect(sumOf(['positives', -1, 'anchors'])).toBe('anchors + positives - 1')
  expect(sumOf([floorQuotientOf(sumOf(['width', 1]), 2), 1])).toBe('floor((width + 1) / 2) + 1')
  expect(floorQuotientOf(productOf(['batch', 6]), 3)).toBe('2*batch')
  expect(exactQuotientOf(sumOf(['a', 'b']), 2)).toBeUndefined()
})

test('symbols are replaced by numbers or other symbols, also within quotients', () => {
  const halved = sumOf([floorQuotientOf(sumOf(['height', -3]), 2), 1])
  expect(substitute(halved, { height: 96 })).toBe(47)
  expect(symbolsOf(substitute(halved, { height: 'other' }))).toEqual(['other'])
  expect(sizeAt(halved, { width: 3 })).toBeUndefined()
})

test('a text of a file that is no sum is one symbol', () => {
  for (const text of ['batch size', 'unk__12 (1)', '3d', '', '*']) expect(symbolsOf(text)).toEqual([text])
  expect(symbolsOf('past_sequence_length + 1')).toEqual(['past_sequence_length'])
})
