import { QontrastError } from '../../shared/index.ts'
import type { Purpose } from '../encoder.ts'
import type { PoolingMode } from '../head/pooling.ts'
import type { Processor } from '../processor.ts'
import type { Tokenizer, TokenizerSettings } from '../tokenizer.ts'
import type { TransformerFiles } from './read-transformer.ts'
import { collateTexts, type TextInputs, type TextItem, textFeeds } from './text-feeds.ts'

export interface Prompt {
  readonly prompt: string
  readonly tokens: number
  /** How many of a text's first tokens are not pooled because of it. */
  readonly skip: number
}

/** A text processor as plain data: it goes to other threads, which make their own. */
export interface TextRecipe extends Omit<TextProcessorOptions, 'tokenizer'> {
  readonly kind: 'text'
  /** `tokenizer.json`, parsed. */
  readonly tokenizerFile: object
}

export interface TextProcessorOptions {
  readonly tokenizer: Tokenizer
  readonly settings: TokenizerSettings
  readonly prompts: Readonly<Record<Purpose, Prompt>>
  /** What the model takes. */
  readonly inputs: TextInputs
  readonly pooling: readonly PoolingMode[]
  /** Longest text in tokens, special ones included, where that is less than the tokenizer's own. */
  readonly maximumTokens?: number
  /** Every text is padded to this many tokens, as the model was trained. */
  readonly shortest?: number
}

/** Texts → token ids with the model's prompts, cut to what it reads. */
export function createTextProcessor(options: TextProcessorOptions): Processor<TextItem> {
  const { tokenizer, settings, prompts, inputs, pooling, shortest } = options
  const maximumTokens = Math.min(options.maximumTokens ?? tokenizer.maximumTokens, tokenizer.maximumTokens)
  const { prompt, skip } = prompts.document
  return {
    modality: 'text',
    facts: {
      tokenizer: { ...settings, maximumTokens },
      document: { prompt, skip },
      ...(shortest === undefined ? {} : { shortest }),
    },
    feeds: textFeeds(inputs, pooling),
    prepare(input, purpose) {
      if (typeof input !== 'string') throw new QontrastError('invalid-input', 'A text is expected.')
      const { prompt, skip } = prompts[purpose]
      return { ...tokenizer.read(prompt + input, maximumTokens), skip }
    },
    cost: ({ ids }) => Math.max(ids.length, shortest ?? 0),
    isCut: ({ cut }) => cut,
    collate: (items) =>
      collateTexts(items, {
        inputs,
        pooling,
        padId: settings.padId,
        padSide: settings.padSide,
        ...(shortest === undefined ? {} : { shortest }),
      }),
    sample({ batch = 1, sequence = 1 }) {
      const id = settings.padId === 0 ? 1 : 0
      const item: TextItem = { ids: new Array<number>(sequence).fill(id), skip: 0, cut: false }
      return new Array<TextItem>(batch).fill(item)
    },
  }
}

/** What texts go through on their way into this transformer; `maximumTokens` cuts them shorter than the model would. */
export function textProcessorOf(
  { model, settings, plan, tokenizer, prompts }: TransformerFiles,
  maximumTokens = tokenizer.maximumTokens,
) {
  const { inputs } = model
  const { pooling = [] } = plan
  return createTextProcessor({ tokenizer, settings: settings.tokenizer, prompts, inputs, pooling, maximumTokens })
}

/** The same as plain data. */
export function textRecipeOf(files: TransformerFiles, maximumTokens = files.tokenizer.maximumTokens): TextRecipe {
  const { model, settings, plan, tokenizerFile, prompts } = files
  const { pooling = [] } = plan
  const { inputs } = model
  return { kind: 'text', tokenizerFile, settings: settings.tokenizer, prompts, inputs, pooling, maximumTokens }
}
