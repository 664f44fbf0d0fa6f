import { z } from 'zod'
import type { ModelFolder } from '../model-folder.ts'
import type { TokenizerSettings } from '../tokenizer.ts'
import { inside, type Modules, readModules } from './modules.ts'

/** Everything a model's settings files say about turning a text into its vector. */
export interface TransformerSettings extends Modules {
  readonly tokenizer: TokenizerSettings
  readonly prompts: { readonly query: string; readonly document: string }
}

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
const side = z.enum(['left', 'right'])
const tokenizerConfigSchema = z.looseObject({
  model_max_length: z.number().nullish(),
  padding_side: side.nullish(),
  truncation_side: side.nullish(),
})
const direction = z.enum(['Left', 'Right']).transform((name) => (name === 'Left' ? 'left' : 'right'))
const tokenizerSchema = z.looseObject({
  padding: z.looseObject({ pad_id: z.number().int(), direction: direction.nullish() }).nullish(),
  truncation: z.looseObject({ direction: direction.nullish() }).nullish(),
})

/** Longest sequence where no file names one. */
const fallbackMaximumTokens = 512

/** Reads the files of a sentence-transformers or transformers.js folder; without `modules.json`, mean pooling. */
export async function readTransformerSettings(folder: ModelFolder): Promise<TransformerSettings> {
  const modules = await readModules(folder)
  return {
    ...modules,
    tokenizer: await readTokenizerSettings(folder, modules.transformer),
    prompts: await readPrompts(folder),
  }
}

/** `tokenizer_config.json` has the last word over what `tokenizer.json` says, as in transformers. */
async function readTokenizerSettings(folder: ModelFolder, modulePath: string): Promise<TokenizerSettings> {
  const sentence = await folder.facts(inside(modulePath, 'sentence_bert_config.json'), sentenceSchema)
  const config = await folder.facts(inside(modulePath, 'config.json'), configSchema)
  const tokenizerConfig = await folder.facts(inside(modulePath, 'tokenizer_config.json'), tokenizerConfigSchema)
  const tokenizer = await folder.facts(inside(modulePath, 'tokenizer.json'), tokenizerSchema)
  const modelLimits = [tokenizerConfig?.model_max_length, config?.max_position_embeddings]
  const knownLimits = modelLimits.filter((limit) => typeof limit === 'number' && limit < 1e9)
  return {
    maximumTokens:
      sentence?.max_seq_length ??
      (knownLimits.length > 0 ? Math.min(...knownLimits.map(Number)) : fallbackMaximumTokens),
    truncationSide: tokenizerConfig?.truncation_side ?? tokenizer?.truncation?.direction ?? 'right',
    padId: tokenizer?.padding?.pad_id ?? config?.pad_token_id ?? 0,
    padSide: tokenizerConfig?.padding_side ?? tokenizer?.padding?.direction ?? 'right',
    lowerCase: sentence?.do_lower_case ?? false,
  }
}

async function readPrompts(folder: ModelFolder): Promise<TransformerSettings['prompts']> {
  const config = await folder.facts('config_sentence_transformers.json', promptsSchema)
  const prompts = config?.prompts ?? {}
  const standard = (config?.default_prompt_name && prompts[config.default_prompt_name]) || ''
  return {
    query: prompts['query'] ?? standard,
    document: prompts['document'] ?? prompts['passage'] ?? prompts['corpus'] ?? standard,
  }
}
