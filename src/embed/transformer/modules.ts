import { z } from 'zod'
import { QontrastError } from '../../shared/index.ts'
import { dimension } from '../folder-numbers.ts'
import type { PoolingMode } from '../head/pooling.ts'
import type { ModelFolder } from '../model-folder.ts'

export type Activation = 'identity' | 'tanh' | 'relu' | 'gelu' | 'sigmoid'

/** How tokens become one vector; several modes are concatenated. */
export interface PoolingModule {
  readonly modes: readonly PoolingMode[]
  /** Whether the prompt's tokens take part. */
  readonly prompt: boolean
}

/** What is done with a text's vector after pooling. `path` is the module's folder, relative to the model's. */
export type VectorModule =
  | { readonly kind: 'dense'; readonly path: string; readonly activation: Activation; readonly residual: boolean }
  | { readonly kind: 'layer-norm'; readonly path: string }
  | { readonly kind: 'normalize' }

/** The modules of sentence-transformers that a folder names, in its order. */
export interface Modules {
  /** Folder of the transformer's own settings. */
  readonly transformer: string
  readonly pooling: PoolingModule
  readonly after: readonly VectorModule[]
  /** Folders of all modules, relative to the model's. */
  readonly paths: readonly string[]
}

interface Entry {
  readonly path: string
  readonly type: string
  readonly name?: string | null | undefined
}

const moduleSchema = z.array(z.object({ path: z.string(), type: z.string(), name: z.string().nullish() }))
const poolingSchema = z.looseObject({
  embedding_dimension: dimension,
  word_embedding_dimension: dimension,
  pooling_mode: z.union([z.string(), z.array(z.string())]).nullish(),
  include_prompt: z.boolean().nullish(),
})
const sentence = 'sentence_embedding'
const placedSchema = z.looseObject({
  module_input_name: z.string().nullish(),
  module_output_name: z.string().nullish(),
})
const denseSchema = placedSchema.extend({
  in_features: dimension,
  out_features: dimension,
  activation_function: z.string().nullish(),
  use_residual: z.boolean().nullish(),
})

const poolingFlags: Record<string, PoolingMode> = {
  pooling_mode_cls_token: 'cls',
  pooling_mode_max_tokens: 'max',
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_mean_sqrt_len_tokens: 'mean_sqrt_len_tokens',
  pooling_mode_weightedmean_tokens: 'weightedmean',
  pooling_mode_lasttoken: 'lasttoken',
}
const poolingModes = new Map<string, PoolingMode>(Object.values(poolingFlags).map((mode) => [mode, mode]))

const activations: Record<string, Activation> = {
  Identity: 'identity',
  Tanh: 'tanh',
  ReLU: 'relu',
  GELU: 'gelu',
  Sigmoid: 'sigmoid',
}

type ReadModule = (folder: ModelFolder, entry: Entry) => Promise<VectorModule | undefined>

/** Modules on a text's vector, by the last part of their type; undefined for one that does nothing outside of training. */
const vectorModules: Record<string, ReadModule> = {
  Dense: readDense,
  LayerNorm: async (_, { path }) => ({ kind: 'layer-norm', path }),
  Normalize: async (folder, entry) => {
    checkPlace(entry, await folder.facts(inside(entry.path, 'config.json'), placedSchema))
    return { kind: 'normalize' }
  },
  Dropout: async () => undefined,
}
const supported = ['Transformer', 'Pooling', ...Object.keys(vectorModules)]

/**
 * Reads `modules.json` as sentence-transformers executes it; without one, mean pooling. `model-invalid` names a module that is not known or
 * stands where it cannot.
 */
export async function readModules(folder: ModelFolder): Promise<Modules> {
  const entries = await folder.facts('modules.json', moduleSchema)
  if (!entries) return { transformer: '', pooling: { modes: ['mean'], prompt: true }, after: [], paths: [] }
  const kinds = entries.map(({ type }) => lastName(type))
  const last = kinds.lastIndexOf('Pooling') // an earlier one, and what stands between, is overwritten by it
  checkModules(entries, kinds, last)
  for (const { path } of entries) await folder.has(path) // refuses one that leads out of the folder
  const after: VectorModule[] = []
  for (const entry of entries.slice(last + 1)) {
    const module = await vectorModules[lastName(entry.type)]?.(folder, entry)
    if (module) after.push(module)
  }
  return {
    transformer: entries[kinds.indexOf('Transformer')]?.path ?? '',
    pooling: await readPooling(folder, entries[last]),
    after,
    paths: entries.map(({ path }) => path),
  }
}

/** Whether `modules.json` begins with a table of token vectors. */
export async function namesTable(folder: ModelFolder): Promise<boolean> {
  const [first] = (await folder.facts('modules.json', moduleSchema)) ?? []
  return first !== undefined && lastName(first.type) === 'StaticEmbedding'
}

/** A table of token vectors is followed by nothing that changes a direction; `model-invalid` names what does. */
export async function checkTableModules(folder: ModelFolder): Promise<void> {
  const entries = (await folder.facts('modules.json', moduleSchema)) ?? []
  const other = entries.find(({ type }) => !['StaticEmbedding', 'Normalize', 'Dropout'].includes(lastName(type)))
  if (!other) return
  throw new QontrastError(
    'model-invalid',
    `modules.json of ${folder.root} has ${lastName(other.type)} beside a table of token vectors, which cannot be run here. Supported after StaticEmbedding: Normalize, Dropout.`,
  )
}

/** Modules that are run here, each at a place where it can be. */
function checkModules(entries: readonly Entry[], kinds: readonly string[], last: number): void {
  const invalid = (reason: string) => new QontrastError('model-invalid', `modules.json ${reason}`)
  const unknown = entries.find(({ type }, i) => {
    const isOwnCode = kinds[i] !== 'Transformer' && !type.startsWith('sentence_transformers.') // the ONNX file is what runs of a transformer
    return isOwnCode || !supported.includes(kinds[i] ?? '')
  })
  if (unknown) throw invalid(`asks for a module of type '${unknown.type}'. Supported: ${supported.join(', ')}.`)
  const names = entries.map(({ name }) => name).filter((name) => typeof name === 'string')
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined)
    throw invalid(`has two modules of the name '${twice}', of which one replaces the other. Number them.`)
  const early = kinds.findIndex(
    (kind, i) => i < last && (kind === 'Dense' || kind === 'LayerNorm') && !kinds.slice(0, i).includes('Pooling'),
  )
  if (early >= 0)
    throw invalid(`has ${kinds[early]} before Pooling, where there is no ${sentence} yet. Put it after Pooling.`)
}

async function readPooling(folder: ModelFolder, entry: Entry | undefined): Promise<PoolingModule> {
  const config = entry ? await folder.facts(inside(entry.path, 'config.json'), poolingSchema) : undefined
  return { modes: modesOf(config), prompt: config?.include_prompt ?? true }
}

function modesOf(config: z.infer<typeof poolingSchema> | undefined): readonly PoolingMode[] {
  if (!config) return ['mean']
  if (config.pooling_mode) {
    return [config.pooling_mode].flat().map((name) => {
      const mode = poolingModes.get(name)
      if (mode) return mode
      throw new QontrastError(
        'model-invalid',
        `Pooling mode '${name}' is unknown. Supported: ${[...poolingModes.keys()].join(', ')}.`,
      )
    })
  }
  const flagged = Object.entries(poolingFlags).flatMap(([flag, mode]) => (config[flag] === true ? [mode] : []))
  return flagged.length > 0 ? flagged : ['mean']
}

async function readDense(folder: ModelFolder, entry: Entry): Promise<VectorModule> {
  const config = await folder.facts(inside(entry.path, 'config.json'), denseSchema)
  checkPlace(entry, config)
  return {
    kind: 'dense',
    path: entry.path,
    activation: activationOf(config?.activation_function),
    residual: config?.use_residual ?? false,
  }
}

/** Modules may be told to work on other vectors than the text's. */
function checkPlace({ path, type }: Entry, config: z.infer<typeof placedSchema> | undefined): void {
  const input = config?.module_input_name ?? sentence
  const names = [input, config?.module_output_name ?? input]
  const other = names.find((name) => name !== sentence)
  if (other === undefined) return
  throw new QontrastError(
    'model-invalid',
    `${path}/config.json lets ${lastName(type)} work on '${other}'. Supported: ${sentence}, one vector a text.`,
  )
}

function activationOf(className: string | null | undefined): Activation {
  const activation = activations[lastName(className ?? 'torch.nn.modules.activation.Tanh')]
  if (activation) return activation
  throw new QontrastError(
    'model-invalid',
    `Dense activation '${className}' is unknown. Supported: ${Object.keys(activations).join(', ')}.`,
  )
}

/** A file's name within a module's folder. */
export function inside(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function lastName(dotted: string): string {
  return dotted.slice(dotted.lastIndexOf('.') + 1)
}
