import { z } from 'zod'
import type { Resample } from '../../media/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { ModelFolder } from '../model-folder.ts'
import type { PreprocessPlan, PreprocessStep, Size, SizeRule } from './preprocess-plan.ts'

const file = 'preprocessor_config.json'
const halves = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] } as const
const openAi = { mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711] } as const

const edge = z.number().int().min(1).max(16_384)
const sizeSchema = z.union([
  edge,
  z.tuple([edge, edge]),
  z.looseObject({
    width: edge.nullish(),
    height: edge.nullish(),
    shortest_edge: edge.nullish(),
    longest_edge: edge.nullish(),
    max_width: edge.nullish(),
    max_height: edge.nullish(),
  }),
])
const perChannel = z.union([
  z.number().transform((one): [number, number, number] => [one, one, one]),
  z.tuple([z.number(), z.number(), z.number()]),
])
const schema = z.looseObject({
  image_processor_type: z.string().nullish(),
  feature_extractor_type: z.string().nullish(),
  do_resize: z.boolean().nullish(),
  size: sizeSchema.nullish(),
  resample: z.number().int().min(0).max(5).nullish(),
  default_to_square: z.boolean().nullish(),
  crop_pct: z.number().positive().max(1).nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: sizeSchema.nullish(),
  do_pad: z.boolean().nullish(),
  pad_size: sizeSchema.nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  rescale_offset: z.boolean().nullish(),
  include_top: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: perChannel.nullish(),
  image_std: perChannel.nullish(),
  do_flip_channel_order: z.boolean().nullish(),
})
type Config = z.infer<typeof schema>

/** By the numbers that Pillow gives them. */
const resamples: readonly Resample[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming']

interface Family {
  readonly size: Config['size']
  readonly resample: Resample
  /** Whether one number is the length of both sides, or of the shorter one. */
  readonly square: boolean
  readonly crop?: number
  readonly colours: {
    readonly mean: readonly [number, number, number]
    readonly deviation: readonly [number, number, number]
  }
  readonly normalizes?: false
  readonly flips?: true
  /** Pictures shorter than 384 are made larger by this share and cropped, others squeezed. */
  readonly cropShare?: number
  /** Divides by the deviations once more. */
  readonly includesTop?: true
}

/** What transformers takes where a file says nothing, by the name of its class. */
const families: Readonly<Record<string, Family>> = {
  CLIP: { size: { shortest_edge: 224 }, resample: 'bicubic', square: false, crop: 224, colours: openAi },
  ChineseCLIP: { size: { shortest_edge: 224 }, resample: 'bicubic', square: false, crop: 224, colours: openAi },
  Siglip: { size: { width: 224, height: 224 }, resample: 'bicubic', square: false, colours: halves },
  ViT: { size: { width: 224, height: 224 }, resample: 'bilinear', square: true, colours: halves },
  Bit: { size: { shortest_edge: 224 }, resample: 'bicubic', square: false, crop: 224, colours: openAi },
  DeiT: { size: { width: 256, height: 256 }, resample: 'bicubic', square: true, crop: 224, colours: halves },
  ConvNext: { size: { shortest_edge: 384 }, resample: 'bicubic', square: false, colours: halves, cropShare: 224 / 256 },
  MobileNetV1: { size: { shortest_edge: 256 }, resample: 'bilinear', square: false, crop: 224, colours: halves },
  MobileNetV2: { size: { shortest_edge: 256 }, resample: 'bilinear', square: false, crop: 224, colours: halves },
  MobileViT: {
    size: { shortest_edge: 224 },
    resample: 'bicubic',
    square: false,
    crop: 256,
    colours: halves,
    normalizes: false,
    flips: true,
  },
  EfficientNet: {
    size: { width: 346, height: 346 },
    resample: 'bicubic',
    square: true,
    colours: halves,
    includesTop: true,
  },
}

/** Reads how a folder's model wants its pictures; undefined where there is no file that says it. */
export async function readPreprocessor(folder: ModelFolder): Promise<PreprocessPlan | undefined> {
  const config = await folder.facts(file, schema)
  return config && toPlan(config)
}

function toPlan(config: Config): PreprocessPlan {
  const name = config.image_processor_type ?? config.feature_extractor_type ?? 'ViTImageProcessor'
  const family = families[name.replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, '')]
  if (!family) {
    const known = Object.keys(families).map((one) => `${one}ImageProcessor`)
    throw invalid(`'${name}' is not among the ways of preprocessing that are known (${known.join(', ')})`)
  }
  return { steps: stepsOf(config, family), ...tensorOf(config, family), ...padOf(config) }
}

function padOf({ do_pad: pads, pad_size: size }: Config): Pick<PreprocessPlan, 'pad'> {
  if (!pads) return {}
  if (!size) throw invalid('it pads to the largest picture of a batch; set pad_size, or do_pad to false')
  return { pad: exact(size, 'pad_size') }
}

function stepsOf(config: Config, family: Family): PreprocessStep[] {
  const resample =
    config.resample === null || config.resample === undefined ? family.resample : resamples[config.resample]
  const square = config.default_to_square ?? family.square
  const size = config.size ?? family.size
  const steps: PreprocessStep[] = []
  if (config.do_resize ?? true) {
    if (resample === undefined || size === undefined || size === null) throw invalid('it resizes, and says no size')
    if (family.cropShare === undefined) steps.push({ kind: 'resize', to: ruleOf(size, square), resample })
    else steps.push(...squeezedOrCropped(ruleOf(size, false), { share: config.crop_pct ?? family.cropShare, resample }))
  }
  if (config.do_center_crop ?? family.crop !== undefined) {
    const crop = config.crop_size ?? family.crop
    if (crop === undefined) throw invalid('it crops, and has no crop_size')
    steps.push({ kind: 'crop', size: exact(crop, 'crop_size') })
  }
  return steps
}

/** ConvNeXT's way, also ResNet's: https://github.com/huggingface/transformers, `ConvNextImageProcessor`. */
function squeezedOrCropped(
  rule: SizeRule,
  { share, resample }: { share: number; resample: Resample },
): PreprocessStep[] {
  if (rule.kind !== 'shortest-edge') throw invalid("its size needs 'shortest_edge'")
  const size = { width: rule.shortest, height: rule.shortest }
  if (rule.shortest >= 384) return [{ kind: 'resize', to: { kind: 'exact', size }, resample }]
  const shortest = Math.trunc(rule.shortest / share)
  return [
    { kind: 'resize', to: { kind: 'shortest-edge', shortest }, resample },
    { kind: 'crop', size },
  ]
}

function ruleOf(size: NonNullable<Config['size']>, square: boolean): SizeRule {
  if (typeof size === 'number') {
    return square ? { kind: 'exact', size: { width: size, height: size } } : { kind: 'shortest-edge', shortest: size }
  }
  if (Array.isArray(size)) return { kind: 'exact', size: { width: size[1], height: size[0] } }
  const { width, height, shortest_edge: shortest, longest_edge: longest, max_width, max_height } = size
  if (shortest) return longest ? { kind: 'shortest-edge', shortest, longest } : { kind: 'shortest-edge', shortest }
  if (longest) return { kind: 'longest-edge', longest }
  if (max_width && max_height) return { kind: 'within', size: { width: max_width, height: max_height } }
  if (width && height) return { kind: 'exact', size: { width, height } }
  throw invalid(`its size says neither width and height nor an edge; got ${JSON.stringify(size)}`)
}

function exact(size: NonNullable<Config['size']>, what: string): Size {
  const rule = ruleOf(size, true)
  if (rule.kind === 'exact') return rule.size
  if (rule.kind === 'shortest-edge') return { width: rule.shortest, height: rule.shortest }
  throw invalid(`its ${what} needs width and height; got ${JSON.stringify(size)}`)
}

function tensorOf(config: Config, family: Family): Omit<PreprocessPlan, 'steps'> {
  const rescales = config.do_rescale ?? true
  const normalizes = config.do_normalize ?? family.normalizes ?? true
  const deviation = config.image_std ?? [...family.colours.deviation]
  if (deviation.includes(0)) throw invalid('its image_std has a zero')
  const again = config.include_top ?? family.includesTop ?? false
  const spread = (place: 0 | 1 | 2) => (normalizes ? deviation[place] : 1) * (again ? deviation[place] : 1)
  const mean = normalizes ? (config.image_mean ?? family.colours.mean) : ([0, 0, 0] as const)
  return {
    factor: rescales ? (config.rescale_factor ?? 1 / 255) : 1,
    offset: rescales && config.rescale_offset ? -1 : 0,
    mean,
    deviation: [spread(0), spread(1), spread(2)],
    order: (config.do_flip_channel_order ?? family.flips ?? false) ? 'bgr' : 'rgb',
  }
}

function invalid(reason: string): QontrastError {
  return new QontrastError('model-invalid', `${file}: ${reason}.`)
}
