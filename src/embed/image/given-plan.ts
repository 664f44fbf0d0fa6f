import { z } from 'zod'
import type { Resample } from '../../media/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { reasonOf } from '../reason-of.ts'
import type { PreprocessPlan, PreprocessStep, Size } from './preprocess-plan.ts'

/** How a model wants its pictures, where its folder does not say it. */
export interface PicturePreparation {
  /** In pixels; one number for both sides. */
  readonly size: number | Size
  /** Of red, green and blue, taken off after bytes were divided by 255. */
  readonly mean: readonly [number, number, number]
  /** Of red, green and blue: what is divided by then. */
  readonly deviation: readonly [number, number, number]
  /** `bilinear` unless given. */
  readonly resample?: Resample
  /**
   * Whether a picture of another form is squeezed into the size, or its shorter side fitted and the rest cropped. `squeeze` unless given.
   */
  readonly fit?: 'squeeze' | 'crop'
  /** Order in which the model takes the colours; `rgb` unless given. */
  readonly order?: 'rgb' | 'bgr'
}

const edge = z.number().int().min(1).max(16_384)
const triple = z.tuple([z.number(), z.number(), z.number()])
const schema = z.strictObject({
  size: z.union([edge, z.strictObject({ width: edge, height: edge })]),
  mean: triple,
  deviation: triple.refine((values) => !values.includes(0), 'must not be 0'),
  resample: z.enum(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos']).default('bilinear'),
  fit: z.enum(['squeeze', 'crop']).default('squeeze'),
  order: z.enum(['rgb', 'bgr']).default('rgb'),
})

/** The plan of what a caller says; `invalid-option` where it is none. */
export function planOf(given: PicturePreparation): PreprocessPlan {
  const checked = schema.safeParse(given)
  if (!checked.success)
    throw new QontrastError(
      'invalid-option',
      `pictures: ${reasonOf(checked.error)}. Expected is { size, mean, deviation }, and resample, fit, order where they are others than usual.`,
    )
  const { size: asked, mean, deviation, resample, fit, order } = checked.data
  const size = typeof asked === 'number' ? { width: asked, height: asked } : asked
  return { steps: stepsOf(size, resample, fit), factor: 1 / 255, offset: 0, mean, deviation, order }
}

function stepsOf(size: Size, resample: Resample, fit: 'squeeze' | 'crop'): PreprocessStep[] {
  if (fit === 'squeeze') return [{ kind: 'resize', to: { kind: 'exact', size }, resample }]
  const shortest = Math.max(size.width, size.height)
  return [
    { kind: 'resize', to: { kind: 'shortest-edge', shortest }, resample },
    { kind: 'crop', size },
  ]
}
