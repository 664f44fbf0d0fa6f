import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Resample, resized } from '../../src/media/index.ts'
import { seenPicture } from '../support/pictures.ts'

interface Case {
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
  readonly resample: Resample
  readonly sha256: string
}
const golden: { readonly resized: readonly Case[] } = JSON.parse(
  readFileSync(new URL('../fixtures/pictures.json', import.meta.url), 'utf8'),
)

test.each(golden.resized)(
  '$from to $to pixels, $resample: byte for byte as Pillow does it',
  ({ from, to, resample, sha256 }) => {
    const { width, height, data } = resized(seenPicture(...from), ...to, resample)
    expect([width, height]).toEqual(to)
    expect(createHash('sha256').update(data).digest('hex')).toBe(sha256)
  },
)

test('a size that is none is refused', () => {
  const picture = seenPicture(4, 4)
  for (const [width, height] of [
    [0, 4],
    [4, -1],
    [1.5, 2],
    [Number.NaN, 2],
  ] as const)
    expect(() => resized(picture, width, height, 'bicubic')).toThrow(/expected whole numbers above 0/)
})
