import type { Raster } from '../../media/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { PreprocessPlan, Size } from './preprocess-plan.ts'

/** Pictures as a model is fed them. */
export interface Pixels extends Size {
  /** [pictures, 3, height, width] */
  readonly data: Float32Array
}

/** Fitted pictures of one size as one tensor. */
export function toPixels(pictures: readonly Raster[], plan: PreprocessPlan): Pixels {
  const { width, height } = sizeOf(pictures, plan)
  const plane = width * height
  const data = new Float32Array(pictures.length * 3 * plane)
  const bands = plan.order === 'rgb' ? [0, 1, 2] : [2, 1, 0]
  for (const [place, band] of bands.entries()) {
    const values = valuesOf(plan, place)
    for (const [i, picture] of pictures.entries()) {
      const begin = (i * 3 + place) * plane
      for (let y = 0, from = band; y < picture.height; y++) {
        const row = begin + y * width
        for (let x = 0; x < picture.width; x++, from += 3)
          data[row + x] = values[picture.data[from] as number] as number
      }
    }
  }
  return { width, height, data }
}

function sizeOf(pictures: readonly Raster[], { pad }: PreprocessPlan): Size {
  const [first] = pictures
  const size = pad ?? first ?? { width: 0, height: 0 }
  for (const { width, height } of pictures) {
    if (pad ? width > pad.width || height > pad.height : width !== size.width || height !== size.height) {
      const message = `A picture of ${width} × ${height} pixels does not fit into the ${size.width} × ${size.height} that its model is fed.`
      throw new QontrastError('invalid-input', message)
    }
  }
  return size
}

/** What the model is fed for each byte. */
function valuesOf({ factor, offset, mean, deviation }: PreprocessPlan, place: number): Float32Array {
  const [middle, spread] = [mean[place] ?? 0, deviation[place] ?? 1]
  return Float32Array.from({ length: 256 }, (_, byte) => (byte * factor + offset - middle) / spread)
}
