import { QontrastError } from '../../shared/index.ts'
import { type Layer, readLayer } from '../head/layers.ts'
import type { ModelFolder } from '../model-folder.ts'
import { createTokenizer, type Tokenizer } from '../tokenizer.ts'
import { readTokenizerFile } from '../tokenizer-file.ts'
import { type Dtype, findModelFile, type ModelFile } from './model-file.ts'
import { makePlan, type TransformerPlan } from './plan.ts'
import { readTransformerSettings, type TransformerSettings } from './settings.ts'
import type { Prompt } from './text-processor.ts'

/** What a folder says of how texts are read. */
export interface TextFiles {
  readonly folder: ModelFolder
  readonly settings: TransformerSettings
  readonly tokenizer: Tokenizer
  /** `tokenizer.json`, parsed. */
  readonly tokenizerFile: object
  readonly prompts: { readonly query: Prompt; readonly document: Prompt }
}

/** All that a transformer's folder says, read but not yet run. */
export interface TransformerFiles extends TextFiles {
  readonly model: ModelFile
  readonly plan: TransformerPlan
  /** The modules of the plan with their weights, in order. */
  readonly layers: readonly Layer[]
}

export interface ReadOptions {
  readonly dtype: Dtype
  /** Name of the model's output that vectors are taken from; chosen where it is left out. */
  readonly output?: string | undefined
}

/** Reads a transformer's folder: `model-not-found` where the weights of that dtype are missing, `model-invalid` where a file is broken. */
export async function readTransformer(folder: ModelFolder, { dtype, output }: ReadOptions): Promise<TransformerFiles> {
  const model = await findModelFile(folder, dtype)
  const texts = await readTexts(folder)
  const { settings, prompts } = texts
  const plan = makePlan({ dtype, model, settings, skips: prompts.document.skip > 0, output })
  const layers: Layer[] = []
  for (const module of plan.after) layers.push(await readLayer(folder, module))
  return { ...texts, model, plan, layers }
}

/** Reads what a folder says of texts, whatever model is in it: `model-invalid` where a file is broken or there is no tokenizer. */
export async function readTexts(folder: ModelFolder): Promise<TextFiles> {
  const settings = await readTransformerSettings(folder)
  const tokenizerFile = await readTokenizerFile(folder, settings.transformer)
  const tokenizer = createTokenizer(tokenizerFile, settings.tokenizer)
  const prompts = {
    query: describePrompt(settings.prompts.query, settings, tokenizer),
    document: describePrompt(settings.prompts.document, settings, tokenizer),
  }
  return { folder, settings, tokenizer, tokenizerFile, prompts }
}

function describePrompt(prompt: string, { pooling }: TransformerSettings, tokenizer: Tokenizer): Prompt {
  const tokens = prompt === '' ? 0 : tokenizer.ids(prompt).length
  const { maximumTokens, specialTokens } = tokenizer
  if (specialTokens + tokens >= maximumTokens) {
    throw new QontrastError(
      'model-invalid',
      `The prompt '${prompt.slice(0, 60)}' in config_sentence_transformers.json has ${tokens} tokens, and the model reads ${maximumTokens}, ${specialTokens} of them special ones: none is left for a text. Shorten it, or raise max_seq_length.`,
    )
  }
  return { prompt, tokens, skip: pooling.prompt || tokens === 0 ? 0 : tokenizer.prefixTokens + tokens }
}
