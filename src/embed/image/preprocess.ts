import { centerCropped, type Raster, resized } from '../../media/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type PreprocessPlan, type PreprocessStep, type Size, sizeBy } from './preprocess-plan.ts'

/** A picture as a model is fed it. */
export interface Pixels extends Size {
  /** [3, height, width] */
  readonly data: Float32Array
}

export function preprocess(picture: Raster, plan: PreprocessPlan): Pixels {
  return toPixels(plan.steps.reduce(taken, picture), plan)
}

function taken(picture: Raster, step: PreprocessStep): Raster {
  if (step.kind === 'crop') return centerCropped(picture, step.size)
  const { width, height } = sizeBy(step.to, picture)
  return resized(picture, width, height, step.resample)
}

function toPixels(picture: Raster, plan: PreprocessPlan): Pixels {
  const { width, height } = plan.pad ?? picture
  if (picture.width > width || picture.height > height) {
    const message = `A picture of ${picture.width} × ${picture.height} pixels does not fit into the ${width} × ${height} that its model pads to.`
    throw new QontrastError('invalid-input', message)
  }
  const data = new Float32Array(3 * width * height)
  const bands = plan.order === 'rgb' ? [0, 1, 2] : [2, 1, 0]
  for (const [place, band] of bands.entries()) {
    const values = valuesOf(plan, place)
    for (let y = 0, from = band; y < picture.height; y++) {
      const row = (place * height + y) * width
      for (let x = 0; x < picture.width; x++, from += 3) data[row + x] = values[picture.data[from] as number] as number
    }
  }
  return { width, height, data }
}

/** What the model is fed for each byte. */
function valuesOf(
  { factor, offset, mean, deviation }: Omit<PreprocessPlan, 'steps' | 'order'>,
  place: number,
): Float32Array {
  const [middle, spread] = [mean[place] ?? 0, deviation[place] ?? 1]
  return Float32Array.from({ length: 256 }, (_, byte) => (byte * factor + offset - middle) / spread)
}
