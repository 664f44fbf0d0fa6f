import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { fitted } from '../../../src/embed/image/fit.ts'
import { toPixels } from '../../../src/embed/image/pixels.ts'
import { readPreprocessor } from '../../../src/embed/image/read-preprocessor.ts'
import { locateModel } from '../../../src/embed/index.ts'
import { seenPicture } from '../../support/pictures.ts'
import { temporaryFolder } from '../../support/temporary.ts'

interface Case {
  readonly backend: 'torchvision' | 'pil'
  readonly picture: readonly [number, number]
  readonly shape: readonly number[]
  readonly at: readonly number[]
  readonly values: readonly number[]
  readonly mean: number
}
const golden: { readonly processors: readonly { name: string; config: object; cases: readonly Case[] }[] } = JSON.parse(
  readFileSync(new URL('../../fixtures/pictures.json', import.meta.url), 'utf8'),
)

async function planOf(config: object) {
  const folder = await temporaryFolder()
  await writeFile(path.join(folder, 'preprocessor_config.json'), JSON.stringify(config))
  const plan = await readPreprocessor(await locateModel(folder))
  if (!plan) throw new Error('no plan')
  return plan
}

describe.each(golden.processors)('pictures as transformers prepares them: $name', ({ name, config, cases }) => {
  test.each(cases)('$picture pixels, $backend', async ({ picture, shape, at, values, mean, backend }) => {
    if (name.startsWith('a crop larger') && backend === 'pil') return // its odd pixel goes to the other side
    const plan = await planOf(config)
    const { width, height, data } = toPixels([fitted(seenPicture(...picture), plan)], plan)
    expect([3, height, width]).toEqual(shape)
    const level = plan.factor / Math.min(...plan.deviation)
    const worst = Math.max(...at.map((i, k) => Math.abs((data[i] ?? Number.NaN) - (values[k] ?? 0))))
    const differs = Math.abs(data.reduce((sum, one) => sum + one, 0) / data.length - mean)
    if (backend === 'torchvision' && picture[1] > picture[0]) return // it begins with the columns, Pillow 13 with the rows
    expect(worst).toBeLessThan(backend === 'pil' ? 1e-4 : level * 1.01)
    expect(differs).toBeLessThan(backend === 'pil' ? 1e-5 : level / 20)
  })
})

test.each([
  [{ image_processor_type: 'DetrImageProcessor' }, /'DetrImageProcessor' is not among the ways/],
  [{ image_processor_type: 'ViTImageProcessor', do_pad: true }, /pads to the largest picture of a batch/],
  [{ image_processor_type: 'ViTImageProcessor', size: {} }, /neither width and height nor an edge/],
  [{ image_processor_type: 'ViTImageProcessor', size: 0 }, /size/],
  [{ image_processor_type: 'ViTImageProcessor', size: 1e9 }, /size/],
  [{ image_processor_type: 'ViTImageProcessor', resample: 9 }, /resample/],
  [{ image_processor_type: 'ViTImageProcessor', image_std: [1, 0, 1] }, /image_std has a zero/],
  [{ image_processor_type: 'ViTImageProcessor', image_mean: [1, 2] }, /image_mean/],
])('%j is refused with the reason', async (config, reason) => {
  await expect(planOf(config)).rejects.toThrow(reason)
})
