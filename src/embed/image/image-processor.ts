import type { ValueName } from '../../graph/index.ts'
import { filled, type Raster } from '../../media/index.ts'
import { isQontrastError, QontrastError } from '../../shared/index.ts'
import { type Input, type Media, modalityOf } from '../input.ts'
import type { Processor } from '../processor.ts'
import type { PicturePool } from './picture-pool.ts'
import { toPixels } from './pixels.ts'
import type { PreprocessPlan, Size } from './preprocess-plan.ts'

export interface ImageProcessorOptions {
  readonly plan: PreprocessPlan
  /** What every picture has after the plan's steps. */
  readonly size: Size
  readonly pool: PicturePool
  /** Name of the model's input for pixels. */
  readonly input: ValueName
}

/** What a model does for so many pixels is about what it does for a token of a text. */
const pixelsOfAPatch = 16 * 16

/** Pictures → pixels `[batch, 3, height, width]`; they are decoded in child processes. */
export function createImageProcessor({ plan, size, pool, input }: ImageProcessorOptions): Processor<Raster> {
  const { width, height } = size
  const cost = Math.ceil((width * height) / pixelsOfAPatch)
  return {
    modality: 'image',
    facts: { picture: JSON.parse(JSON.stringify(plan)) },
    feeds: new Map([[input, { dtype: 'float32', dims: ['batch', 3, height, width] }]]),
    async prepare(given) {
      const image = imageOf(given)
      try {
        return await pool.read(image)
      } catch (cause) {
        throw named(image, cause)
      }
    },
    cost: () => cost,
    isCut: () => false,
    collate(items) {
      const pixels = toPixels(items, plan)
      return { [input]: { dtype: 'float32', dims: [items.length, 3, pixels.height, pixels.width], data: pixels.data } }
    },
    sample: ({ batch = 1 }) => new Array<Raster>(batch).fill(filled(width, height, [0, 0, 0])),
  }
}

function imageOf(input: Input): Media {
  if (modalityOf(input) === 'image' && typeof input === 'object' && 'image' in input) return input.image
  throw new QontrastError('invalid-input', 'A picture is expected: { image: { path } } or { image: { bytes } }.')
}

/** With the name of the file in front, where the picture has one. */
function named(image: Media, cause: unknown): unknown {
  if (!('path' in image) || !isQontrastError(cause)) return cause
  return new QontrastError(cause.code, `${image.path}: ${cause.message}`, { cause })
}
