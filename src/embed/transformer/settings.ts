import { z } from 'zod'
import { limit, optionalTokenId, positions, tokenId } from '../folder-numbers.ts'
import type { ModelFolder } from '../model-folder.ts'
import type { TokenizerSettings } from '../tokenizer.ts'
import { inside, type Modules, readModules } from './modules.ts'

/** Everything a model's settings files say about turning a text into its vector. */
export interface TransformerSettings extends Modules {
  /** As `config.json` calls it: `bert`, `modernbert`. */
  readonly family: string | undefined
  readonly tokenizer: TokenizerSettings
  readonly prompts: { readonly query: string; readonly document: string }
}

const sentenceSchema = z.looseObject({
  max_seq_length: limit,
  do_lower_case: z.boolean().nullish(),
})
const promptsSchema = z.looseObject({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
})
const familySchema = z.looseObject({ model_type: z.string().nullish() })
const configSchema = z.looseObject({
  max_position_embeddings: positions,
  pad_token_id: optionalTokenId,
})
const side = z.enum(['left', 'right'])
const tokenizerConfigSchema = z.looseObject({
  model_max_length: limit,
  padding_side: side.nullish(),
  truncation_side: side.nullish(),
})
const direction = z.enum(['Left', 'Right']).transform((name) => (name === 'Left' ? 'left' : 'right'))
const tokenizerSchema = z.looseObject({
  padding: z.looseObject({ pad_id: tokenId, direction: direction.nullish() }).nullish(),
  truncation: z.looseObject({ direction: direction.nullish() }).nullish(),
})

const sentenceConfigs = ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet'].map(
  (family) => `sentence_${family}_config.json`,
)

/** Longest sequence where no file names one. */
const fallbackMaximumTokens = 512

/** Reads the files of a sentence-transformers or transformers.js folder; without `modules.json`, mean pooling. */
export async function readTransformerSettings(folder: ModelFolder): Promise<TransformerSettings> {
  const modules = await readModules(folder)
  return {
    ...modules,
    family: (await folder.facts(inside(modules.transformer, 'config.json'), familySchema))?.model_type ?? undefined,
    tokenizer: await readTokenizerSettings(folder, modules.transformer),
    prompts: await readPrompts(folder),
  }
}

/** `tokenizer_config.json` has the last word over what `tokenizer.json` says, as in transformers. */
async function readTokenizerSettings(folder: ModelFolder, modulePath: string): Promise<TokenizerSettings> {
  const sentence = await readSentenceConfig(folder, modulePath)
  const config = await folder.facts(inside(modulePath, 'config.json'), configSchema)
  const tokenizerConfig = await folder.facts(inside(modulePath, 'tokenizer_config.json'), tokenizerConfigSchema)
  const tokenizer = await folder.facts(inside(modulePath, 'tokenizer.json'), tokenizerSchema)
  const known = [tokenizerConfig?.model_max_length, config?.max_position_embeddings].filter((one) => one !== undefined)
  return {
    maximumTokens: sentence?.max_seq_length ?? (known.length > 0 ? Math.min(...known) : fallbackMaximumTokens),
    truncationSide: tokenizerConfig?.truncation_side ?? tokenizer?.truncation?.direction ?? 'right',
    padId: tokenizer?.padding?.pad_id ?? config?.pad_token_id ?? 0,
    padSide: tokenizerConfig?.padding_side ?? tokenizer?.padding?.direction ?? 'right',
    lowerCase: sentence?.do_lower_case ?? false,
  }
}

/** The first that is there, as in sentence-transformers: its earlier versions named the file after the model's family. */
async function readSentenceConfig(folder: ModelFolder, modulePath: string) {
  for (const name of sentenceConfigs) {
    const found = await folder.facts(inside(modulePath, name), sentenceSchema)
    if (found && Object.keys(found).length > 0) return found
  }
  return undefined
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
