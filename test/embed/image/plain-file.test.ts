import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { loadEncoder, type PicturePreparation } from '../../../src/embed/index.ts'
import { picturePath } from '../../support/image-zoo.ts'
import { describeWithShared } from '../../support/shared.ts'
import { fixtures } from '../../support/training.ts'

interface Golden {
  readonly pictures: readonly string[]
  readonly models: Readonly<Record<string, PicturePreparation & { output: string; vectors: readonly number[][] }>>
}
const golden: Golden = JSON.parse(readFileSync(new URL('../../fixtures/cnn-embedders.json', import.meta.url), 'utf8'))

test('a file of a model of texts is not opened as what lies beside it, and pictures are no option of one', async () => {
  const folder = path.join(fixtures, 'models', 'bert-plain')
  const [onnx = ''] = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.onnx'))
  await expect(loadEncoder(path.join(folder, onnx))).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringMatching(/does not take pictures.*Open its folder/),
  })
  const pictures = { size: 8, mean: [0, 0, 0], deviation: [1, 1, 1] } as const
  for (const name of [folder, 'default'])
    await expect(loadEncoder(name, { pictures })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/takes no pictures/),
    })
})

describeWithShared('an ONNX file without any settings', ['models'], (models) => {
  const place = (name: string) => path.join(models, 'cnn-embedders-onnx', `${name}.onnx`)

  test.each(Object.entries(golden.models))('%s gives what ONNX Runtime gives in Python', async (name, facts) => {
    const { vectors, output, ...pictures } = facts
    await using encoder = await loadEncoder(place(name), { pictures, output, workers: 1 })
    const found = await encoder.encode(golden.pictures.map((one) => ({ image: { path: picturePath(one) } })))
    const differences = vectors.flatMap((vector, row) =>
      vector.map((value, i) => Math.abs(value - (found.row(row)[i] ?? Number.NaN))),
    )
    expect(Math.max(...differences)).toBeLessThan(1e-5)
  })

  test('tells what to pass', async () => {
    await expect(loadEncoder(place('osnet'))).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/no preprocessor_config\.json.*pictures: \{ size: 224/),
    })
    const wrong = { size: 0, mean: [0, 0, 0], deviation: [1, 1, 0] } as const
    await expect(loadEncoder(place('osnet'), { pictures: wrong })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/size.*deviation: must not be 0/),
    })
    await expect(
      loadEncoder(place('osnet'), { pictures: { ...wrong, size: 8, deviation: [1, 1, 1] }, output: 'vector' }),
    ).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/no output 'vector'. It has output/),
    })
  })
})
