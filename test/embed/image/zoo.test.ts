import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Encoder, loadEncoder } from '../../../src/embed/index.ts'
import type { Matrix } from '../../../src/shared/index.ts'
import { imageFamilies, imageGolden, imageZooFolder, picturePath } from '../../support/image-zoo.ts'

/** Families of two towers in both of their layouts. */
const specimens = imageFamilies.flatMap((family) =>
  imageGolden(family).texts
    ? [
        { family, layout: 'two files', files: ['vision_model', 'text_model'] },
        { family, layout: 'one file', files: ['model'] },
      ]
    : [{ family, layout: 'one file', files: ['model'] }],
)

function worst(found: Matrix, expected: readonly (readonly number[])[]): number {
  expect([found.rows, found.columns]).toEqual([expected.length, expected[0]?.length])
  const differences = expected.flatMap((vector, row) =>
    vector.map((value, i) => Math.abs(value - (found.row(row)[i] ?? Number.NaN))),
  )
  return Math.max(...differences)
}

describe.each(specimens)('$family in $layout', ({ family, files }) => {
  const golden = imageGolden(family)
  const pictures = golden.pictures.map((name) => ({ image: { path: picturePath(name) } }))
  const texts = golden.texts ?? []
  let encoder: Encoder
  beforeAll(async () => {
    const folder = await imageZooFolder(family, { files, inner: files.length > 1 })
    encoder = await loadEncoder(folder, { workers: 1 })
  })
  afterAll(() => encoder.close())

  test('gives pictures the vectors that transformers gives', async () => {
    expect(worst(await encoder.encode(pictures), golden.vectors)).toBeLessThan(1e-5)
  })

  if (texts.length > 0)
    test('gives texts theirs, beside pictures too', async () => {
      const expected = golden.textVectors ?? []
      expect(worst(await encoder.encode(texts), expected)).toBeLessThan(1e-5)
      const mixed = await encoder.encode([texts[0] ?? '', ...pictures, ...texts.slice(1)])
      expect(worst(mixed, [expected[0] ?? [], ...golden.vectors, ...expected.slice(1)])).toBeLessThan(1e-5)
    })

  test('says what it accepts', async () => {
    expect([...encoder.accepts].sort()).toEqual(texts.length > 0 ? ['image', 'text'] : ['image'])
    if (texts.length === 0) await expect(encoder.encode(['a text'])).rejects.toMatchObject({ code: 'invalid-input' })
  })
})
