import { centerCropped, type Raster, resized } from '../../media/index.ts'
import { type PreprocessPlan, sizeBy } from './preprocess-plan.ts'

/** A picture after the steps of a plan, still in bytes. */
export function fitted(picture: Raster, { steps }: Pick<PreprocessPlan, 'steps'>): Raster {
  return steps.reduce((before, step) => {
    if (step.kind === 'crop') return centerCropped(before, step.size)
    const { width, height } = sizeBy(step.to, before)
    return resized(before, width, height, step.resample)
  }, picture)
}
