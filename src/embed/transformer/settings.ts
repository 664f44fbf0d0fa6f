import { z } from 'zod'
import { QontrastError } from '../../shared/index.ts'
import type { ModelFolder } from '../model-folder.ts'
import type { TokenizerSettings } from '../tokenizer.ts'

/** How token vectors become one vector; the names are those of sentence-transformers. */
export type PoolingMode = 'mean' | 'cls' | 'max' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken'

export interface DenseSettings {
  /** Folder of the module, relative to the model's. */
  readonly path: string
  readonly activation: Activation
}
export type Activation = 'identity' | 'tanh' | 'relu' | 'gelu' | 'sigmoid'

/** Everything a model's files say about turning a text into its vector. */
export interface TransformerSettings {
  readonly tokenizer: TokenizerSettings
  /** Several modes are concatenated. */
  readonly pooling: readonly PoolingMode[]
  /** Whether the prompt's tokens take part in pooling. */
  readonly poolPrompt: boolean
  readonly dense: readonly DenseSettings[]
  readonly prompts: { readonly query: string; readonly document: string }
}

const moduleSchema = z.array(z.object({ path: z.string(), type: z.string() }))
const poolingSchema = z.looseObject({
  pooling_mode: z.union([z.string(), z.array(z.string())]).optional(),
  include_prompt: z.boolean().optional(),
})
const denseSchema = z.looseObject({ activation_function: z.string().optional() })
const sentenceSchema = z.looseObject({
  max_seq_length: z.number().int().positive().nullish(),
  do_lower_case: z.boolean().nullish(),
})
const promptsSchema = z.looseObject({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
})
const configSchema = z.looseObject({
  max_position_embeddings: z.number().int().positive().nullish(),
  pad_token_id: z.number().int().nonnegative().nullish(),
})
const tokenizerConfigSchema = z.looseObject({
  model_max_length: z.number().nullish(),
  padding_side: z.enum(['left', 'right']).nullish(),
})
const tokenizerSchema = z.looseObject({ padding: z.looseObject({ pad_id: z.number().int() }).nullish() })

/** Longest sequence where no file names one. */
const fallbackMaximumTokens = 512

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

/** Reads the files of a sentence-transformers or transformers.js folder; without `modules.json`, mean pooling. */
export async function readTransformerSettings(folder: ModelFolder): Promise<TransformerSettings> {
  const modules = (await folder.json('modules.json', moduleSchema)) ?? []
  const byKind = (kind: string) => modules.filter((module) => lastName(module.type) === kind)
  const unknown = modules.find(
    (module) => !['Transformer', 'Pooling', 'Dense', 'Normalize'].includes(lastName(module.type)),
  )
  if (unknown) {
    throw new QontrastError(
      'model-invalid',
      `modules.json asks for a module of type '${unknown.type}'. Supported: Transformer, Pooling, Dense, Normalize.`,
    )
  }

  const pooling = byKind('Pooling')[0]
  const poolingConfig = pooling ? await folder.json(`${pooling.path}/config.json`, poolingSchema) : undefined
  const dense: DenseSettings[] = []
  for (const module of byKind('Dense')) {
    const config = await folder.json(`${module.path}/config.json`, denseSchema)
    dense.push({ path: module.path, activation: activationOf(config?.activation_function) })
  }
  return {
    tokenizer: await readTokenizerSettings(folder, byKind('Transformer')[0]?.path ?? ''),
    pooling: poolingOf(poolingConfig),
    poolPrompt: poolingConfig?.include_prompt ?? true,
    dense,
    prompts: await readPrompts(folder),
  }
}

async function readTokenizerSettings(folder: ModelFolder, modulePath: string): Promise<TokenizerSettings> {
  const sentence = await folder.json(inside(modulePath, 'sentence_bert_config.json'), sentenceSchema)
  const config = await folder.json(inside(modulePath, 'config.json'), configSchema)
  const tokenizerConfig = await folder.json(inside(modulePath, 'tokenizer_config.json'), tokenizerConfigSchema)
  const tokenizer = await folder.json(inside(modulePath, 'tokenizer.json'), tokenizerSchema)
  const modelLimits = [tokenizerConfig?.model_max_length, config?.max_position_embeddings]
  const knownLimits = modelLimits.filter((limit) => typeof limit === 'number' && limit < 1e9)
  return {
    maximumTokens:
      sentence?.max_seq_length ??
      (knownLimits.length > 0 ? Math.min(...knownLimits.map(Number)) : fallbackMaximumTokens),
    padId: tokenizer?.padding?.pad_id ?? config?.pad_token_id ?? 0,
    padSide: tokenizerConfig?.padding_side ?? 'right',
    lowerCase: sentence?.do_lower_case ?? false,
  }
}

async function readPrompts(folder: ModelFolder): Promise<TransformerSettings['prompts']> {
  const config = await folder.json('config_sentence_transformers.json', promptsSchema)
  const prompts = config?.prompts ?? {}
  const standard = (config?.default_prompt_name && prompts[config.default_prompt_name]) || ''
  return {
    query: prompts['query'] ?? standard,
    document: prompts['document'] ?? prompts['passage'] ?? prompts['corpus'] ?? standard,
  }
}

function poolingOf(config: z.infer<typeof poolingSchema> | undefined): readonly PoolingMode[] {
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

function activationOf(className: string | undefined): Activation {
  const activation = activations[lastName(className ?? 'torch.nn.modules.activation.Tanh')]
  if (activation) return activation
  throw new QontrastError(
    'model-invalid',
    `Dense activation '${className}' is unknown. Supported: ${Object.keys(activations).join(', ')}.`,
  )
}

function inside(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function lastName(dotted: string): string {
  return dotted.slice(dotted.lastIndexOf('.') + 1)
}
