import type { Resample } from '../../media/index.ts'
import { QontrastError } from '../../shared/index.ts'

/** What is done to a picture before a model sees it: all that changes its vector, as data. */
export interface PreprocessPlan {
  /** In this order. */
  readonly steps: readonly PreprocessStep[]
  /** Of each byte, by channel (red, green, blue): what the model is fed for it is `(byte · factor + offset − mean) / deviation`. */
  readonly factor: number
  readonly offset: number
  readonly mean: readonly [number, number, number]
  readonly deviation: readonly [number, number, number]
  /** In which order the model takes the channels. */
  readonly order: 'rgb' | 'bgr'
  /** What is smaller after the steps gets zeros to the right and below. */
  readonly pad?: Size
}

export interface Size {
  readonly width: number
  readonly height: number
}

export type PreprocessStep =
  | { readonly kind: 'resize'; readonly to: SizeRule; readonly resample: Resample }
  | { readonly kind: 'crop'; readonly size: Size }

/** How the size of a picture follows from its own; each as transformers computes it. */
export type SizeRule =
  | { readonly kind: 'exact'; readonly size: Size }
  | { readonly kind: 'shortest-edge'; readonly shortest: number; readonly longest?: number }
  | { readonly kind: 'longest-edge'; readonly longest: number }
  | { readonly kind: 'within'; readonly size: Size }

/** The size that a picture gets; at least one pixel a side. */
export function sizeBy(rule: SizeRule, picture: Size): Size {
  const { width, height } = ruled(rule, picture)
  return { width: Math.max(1, width), height: Math.max(1, height) }
}

function ruled(rule: SizeRule, picture: Size): Size {
  const { width, height } = picture
  const [short, long] = width <= height ? [width, height] : [height, width]
  switch (rule.kind) {
    case 'exact':
      return rule.size
    case 'within': {
      const scale = Math.min(rule.size.height / height, rule.size.width / width)
      return { width: Math.trunc(width * scale), height: Math.trunc(height * scale) }
    }
    case 'longest-edge':
      return oriented(picture, Math.trunc((rule.longest * short) / long), rule.longest)
    case 'shortest-edge': {
      const { shortest, longest = Infinity } = rule
      const edge = (long / short) * shortest > longest ? (longest * short) / long : shortest
      return oriented(picture, roundedToEven(edge), Math.trunc((edge * long) / short))
    }
  }
}

function oriented({ width, height }: Size, short: number, long: number): Size {
  return width <= height ? { width: short, height: long } : { width: long, height: short }
}

/** As Python's `round`. */
function roundedToEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}

/** The size that every picture has after a plan's steps; `model-invalid` where it differs from picture to picture. */
export function fixedSize({ steps, pad }: Pick<PreprocessPlan, 'steps' | 'pad'>): Size {
  const last = steps.at(-1)
  if (pad) return pad
  if (last?.kind === 'crop') return last.size
  if (last?.kind === 'resize' && last.to.kind === 'exact') return last.to.size
  throw new QontrastError(
    'model-invalid',
    'preprocessor_config.json leaves each picture its own form, and pictures of a batch have one: set size to a width and a height, or do_center_crop with a crop_size.',
  )
}
