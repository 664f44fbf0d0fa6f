import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { checkDevice, type Device, defaultDevice } from '../runtime/index.ts'
import { checkOptionKeys, type OnProgress, type OptionKeys, packageFile, QontrastError } from '../shared/index.ts'
import type { Encoder } from './encoder.ts'
import { fetchHubModel, isHubName } from './hub.ts'
import type { PicturePreparation } from './image/given-plan.ts'
import { kindOf } from './kinds/index.ts'
import { type ModelFolder, openModelFolder } from './model-folder.ts'
import { type Dtype, dtypes } from './transformer/model-file.ts'
import type { TextFiles, TransformerFiles } from './transformer/read-transformer.ts'

export interface LoadEncoderOptions {
  /** Keep only the first dimensions, at unit length again; for models trained that way (Matryoshka). */
  readonly dimensions?: number
  /** Where the model runs; `auto` takes a usable GPU, else the CPU, and says so in one warning. */
  readonly device?: Device
  /** Which weights file of the model is used. */
  readonly dtype?: Dtype
  /** Name of the model's output that vectors are taken from; by default its own vector of a text, else its tokens' vectors, pooled. */
  readonly output?: string
  /** How pictures are prepared for the model, where its folder does not say it. */
  readonly pictures?: PicturePreparation
  /** Inference processes; the cores are shared out among them. */
  readonly workers?: number
  /** Where hub models are kept. Defaults to the cache that Python's huggingface_hub uses. */
  readonly cacheDir?: string
  /** Never download. */
  readonly localOnly?: boolean
  /** Branch, tag or commit of a hub model. */
  readonly revision?: string
  /** Files fetched so far, while a hub model is downloaded. */
  readonly onProgress?: OnProgress
  /** Defaults to `process.emitWarning`. */
  readonly onWarning?: (message: string) => void
}

const loadKeys: OptionKeys<LoadEncoderOptions> = {
  dimensions: true,
  device: true,
  dtype: true,
  output: true,
  pictures: true,
  workers: true,
  cacheDir: true,
  localOnly: true,
  revision: true,
  onProgress: true,
  onWarning: true,
}

/** The name of the bundled encoder. */
export const bundledEncoder = 'default'

/**
 * Opens an encoder: the bundled one, a folder (`./model`, or any path that exists), an ONNX file, or a hub model (`owner/name`).
 * Rejects with `model-not-found`, `model-invalid`, `hub-unreachable`, `device-unavailable` or `invalid-option`.
 */
export async function loadEncoder(name: string = bundledEncoder, options: LoadEncoderOptions = {}): Promise<Encoder> {
  checkOptionKeys('loadEncoder', options, loadKeys)
  checkOptions(options)
  const { cacheDir = defaultCacheDir(), dtype = 'fp32', device = defaultDevice, dimensions, workers, output } = options
  const { pictures } = options
  const { place, file } = await fileIn(name)
  const folder = await locate(place, { ...options, cacheDir, dtype })
  const kind = await kindOf(folder, { dtype, file })
  if (pictures !== undefined && !kind.takesPictures)
    throw new QontrastError('invalid-option', `The encoder '${name}' takes no pictures: leave pictures out.`)
  const onWarning = options.onWarning ?? ((message) => process.emitWarning(message, 'QontrastWarning'))
  return kind.load(folder, { name, device, dtype, file, workers, dimensions, output, pictures, cacheDir, onWarning })
}

/** A path to an ONNX file is its folder, and the file there. */
async function fileIn(name: string): Promise<{ readonly place: string; readonly file: string | undefined }> {
  const isFile = name.endsWith('.onnx') && (await stat(name).catch(() => undefined))?.isFile()
  return isFile
    ? { place: path.dirname(path.resolve(name)), file: path.basename(name) }
    : { place: name, file: undefined }
}

/** Where a model's files are, and fetches them where they are on the hub. Rejects as {@link loadEncoder} does. */
export async function locateModel(name: string, options: LoadEncoderOptions = {}): Promise<ModelFolder> {
  return locate(name, { ...options, cacheDir: options.cacheDir ?? defaultCacheDir(), dtype: options.dtype ?? 'fp32' })
}

/**
 * Reads a model's folder for training, without running it: `model-not-found` where the weights of that dtype are missing, `model-invalid`
 * where it cannot be trained.
 */
export async function readTransformer(
  folder: ModelFolder,
  { dtype, output }: { readonly dtype: Dtype; readonly output?: string | undefined },
): Promise<TransformerFiles> {
  const kind = await kindOf(folder, { dtype, file: undefined })
  return kind.readForTraining(folder, { dtype, output })
}

/** Reads what a folder says of texts, whatever model is in it: `model-invalid` where a file is broken or there is no tokenizer. */
export async function readTexts(folder: ModelFolder): Promise<TextFiles> {
  const { readTexts: read } = await import('./transformer/read-transformer.ts') // brings the tokenizer
  return read(folder)
}

async function locate(
  name: string,
  options: LoadEncoderOptions & { cacheDir: string; dtype: Dtype },
): Promise<ModelFolder> {
  if (name === bundledEncoder && !existsSync(name)) return openModelFolder(packageFile('models/default'))
  if (/^(\.{1,2}([/\\]|$)|[/\\])/.test(name) || path.isAbsolute(name) || existsSync(name)) return openModelFolder(name)
  if (!isHubName(name)) {
    throw new QontrastError(
      'model-not-found',
      `'${name}' is neither a folder here nor a hub name. Write a path as './${name}', a hub model as 'owner/name', the bundled encoder as '${bundledEncoder}'.`,
    )
  }
  const { revision = 'main', localOnly = false, cacheDir, dtype, onProgress } = options
  const { folder, boundary } = await fetchHubModel(name, { revision, localOnly, cacheDir, dtype, onProgress })
  return openModelFolder(folder, boundary)
}

function defaultCacheDir(): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env
  if (HF_HUB_CACHE) return HF_HUB_CACHE
  return path.join(HF_HOME ?? path.join(XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'huggingface'), 'hub')
}

function checkOptions({ dimensions, workers, revision, dtype, device }: LoadEncoderOptions): void {
  if (dtype !== undefined && !dtypes.some((known) => known === dtype))
    throw new QontrastError('invalid-option', `dtype must be one of ${dtypes.join(', ')}; got '${dtype}'.`)
  checkDevice(device)
  for (const [option, value] of Object.entries({ dimensions, workers })) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw new QontrastError('invalid-option', `${option} must be a whole number above 0; got ${value}.`)
    }
  }
  if (revision !== undefined && (revision === '' || revision.includes('..'))) {
    throw new QontrastError('invalid-option', `revision must be a branch, a tag or a commit; got '${revision}'.`)
  }
}
