import { existsSync } from 'node:fs'
import path from 'node:path'
import { InvalidArgumentError, Option } from 'commander'
import {
  bundledEncoder,
  type Dtype,
  dtypes,
  type Encoder,
  type LoadEncoderOptions,
  loadEncoder,
} from '../embed/index.ts'
import {
  type CollectionInfo,
  type FieldType,
  type FilterInput,
  fieldTypes,
  type PlainFilter,
  type Shard,
  toFilter,
  unknownEncoder,
  type VectorStore,
} from '../index/index.ts'
import { type Device, defaultDevice, devices } from '../runtime/index.ts'
import { type JsonValue, messageOf, parseJson, searchModes } from '../shared/index.ts'

/** A command is told how to set the program's exit code. */
export type SetExitCode = (code: number) => void

export const defaultPath = './qontrast-data'
export const defaultIndex = 'documents'

export const pathOption = () => new Option('--path <folder>', 'where indexes are kept').default(defaultPath)
export const storeOption = () =>
  new Option(
    '--store <address>',
    'a Qdrant server instead of a folder (qdrant://host:6333; qdrants:// for TLS)',
  ).conflicts('path')
export const indexOption = () => new Option('--index <name>', 'name of the index').default(defaultIndex)
export const modelOption = (otherwise: string) =>
  new Option('--model <name>', `folder, hub name (owner/name) or '${bundledEncoder}' (${otherwise})`)
export const deviceOption = () =>
  new Option('--device <device>', 'where the model runs').choices(devices).default(defaultDevice)
export const dtypeOption = () =>
  new Option('--dtype <dtype>', "which weights file of the model (default: fp32, else the index's)").choices(dtypes)
export const dimensionsOption = () =>
  new Option('--dimensions <n>', 'keep the first so many, for models trained that way').argParser(wholeNumber(1))
export const workersOption = () =>
  new Option('--workers <n>', 'inference processes; the cores are shared out among them').argParser(wholeNumber(1))
export const limitOption = () => new Option('--limit <n>', 'most documents').argParser(wholeNumber(1)).default(10)
export const offsetOption = () =>
  new Option('--offset <n>', 'leave out so many of the best').argParser(wholeNumber(0)).default(0)
export const filterOption = (what: string) => new Option('--filter <json>', what).argParser(filterArgument)
export const yesOption = () => new Option('--yes', 'do not ask')
export const jsonOption = (what: string) => new Option('--json', `print ${what} as JSON`)
export const modeOption = () => new Option('--mode <mode>', 'how to rank').choices(searchModes)

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`A whole number from ${least} is expected.`)
  }
}

export function anyNumber(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new InvalidArgumentError('A number is expected.')
}

export function filterArgument(text: string): FilterInput {
  try {
    return toFilter(parseFilter(text))
  } catch (error) {
    throw new InvalidArgumentError(
      `A filter in JSON is expected, such as '{"source":"NHLBI","year":{"gte":2000}}': ${messageOf(error)}`,
    )
  }
}

/** A filter as it is written on the command line; what is in it is checked by toFilter. */
export function parseFilter(text: string): PlainFilter {
  const filter = parseJson(text)
  if (isPlainFilter(filter)) return filter
  throw new SyntaxError('it is no object.')
}

function isPlainFilter(value: JsonValue): value is JsonValue & PlainFilter {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `year:number`, given any number of times. */
export function fieldArgument(text: string, before: Record<string, FieldType> = {}): Record<string, FieldType> {
  const colon = text.lastIndexOf(':')
  const type = fieldTypes.find((known) => known === text.slice(colon + 1))
  if (colon > 0 && type) return { ...before, [text.slice(0, colon)]: type }
  throw new InvalidArgumentError(`name:type is expected, with one of the types ${fieldTypes.join(', ')}.`)
}

/** An index remembers its model by name: a folder by its absolute path, so that it is found from anywhere. */
export function findableModel(model: string): string {
  return existsSync(model) ? path.resolve(model) : model
}

/** `3/16`: the third of sixteen. */
export function shardArgument(text: string): Shard {
  const [, number, of] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  const shard = { number: Number(number), of: Number(of) }
  if (shard.number >= 1 && shard.number <= shard.of) return shard
  throw new InvalidArgumentError('A part is expected as NUMBER/OF, such as 3/16, counted from 1.')
}

/** Flags of every command that runs a model. */
export interface ModelFlags {
  readonly model?: string
  readonly device: Device
  readonly dtype?: Dtype
  readonly dimensions?: number
  readonly workers?: number
}

/** How a model is opened, as flags or settings say. */
export function encoderOptions({ device, dtype, dimensions, workers }: Omit<ModelFlags, 'model'>): LoadEncoderOptions {
  return {
    device,
    ...(dtype === undefined ? {} : { dtype }),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(workers === undefined ? {} : { workers }),
  }
}

/** The model that was asked for, else the one that the index was made with, cut as the index is, else the bundled one. */
export async function openEncoder(
  { model, ...flags }: ModelFlags,
  made?: { store: VectorStore; index: string },
): Promise<Encoder> {
  const info = model === undefined && made ? await made.store.info(made.index) : undefined
  const name = model ?? madeWith(info) ?? bundledEncoder
  const onWarning = (message: string) => console.error(`warning: ${message}`)
  const whole = await loadEncoder(name, { ...encoderOptions(flags), onWarning })
  const dimensions = info?.schema.dimensions
  if (flags.dimensions !== undefined || dimensions === undefined || dimensions >= whole.dimensions) return whole
  await whole.close()
  return loadEncoder(name, { ...encoderOptions({ ...flags, dimensions }), onWarning })
}

/** A collection that something else made does not say by which model. */
function madeWith(info: CollectionInfo | undefined): string | undefined {
  const made = info?.schema.encoder
  return made?.fingerprint === unknownEncoder.fingerprint ? undefined : made?.name
}
