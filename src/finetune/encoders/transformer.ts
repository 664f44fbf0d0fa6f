import { bundledEncoder } from '../../embed/index.ts'
import { checkOptionKeys, type OptionKeys } from '../../shared/index.ts'
import type { EncoderSource } from '../methods/tower-source.ts'
import { check } from './check.ts'

export interface TransformerEncoderOptions {
  readonly layers?: number
  /** Numbers of a token's vector, and of a text's. */
  readonly width?: number
  /** Parts that attention is shared out to; they divide the width. */
  readonly heads?: number
  /** Numbers between the two layers of a feed-forward part; four times the width where it is left out. */
  readonly hidden?: number
  /** Longest text in tokens, special ones included. */
  readonly maximumTokens?: number
  readonly pooling?: 'mean' | 'cls'
  /** A model whose tokenizer is taken: the bundled one, a folder, or a hub name. */
  readonly tokenizer?: string
}

export type TransformerSettings = Readonly<Required<TransformerEncoderOptions>>

const keys: OptionKeys<TransformerEncoderOptions> = {
  layers: true,
  width: true,
  heads: true,
  hidden: true,
  maximumTokens: true,
  pooling: true,
  tokenizer: true,
}

/** A text encoder from scratch, with BERT's layers and first weights (Devlin et al. 2019, arXiv:1810.04805). `invalid-option` for sizes that do not go together. */
export function transformer(options: TransformerEncoderOptions = {}): EncoderSource {
  checkOptionKeys('transformer', options, keys)
  const { layers = 4, width = 128, heads = 4, maximumTokens = 128, pooling = 'mean' } = options
  const { hidden = 4 * width, tokenizer = bundledEncoder } = options
  const sizes = { layers, width, heads, hidden, maximumTokens }
  for (const [name, size] of Object.entries(sizes))
    check(Number.isInteger(size) && size >= 1, `${name} must be a whole number from 1; got ${size}`)
  check(width % heads === 0, `heads must divide the width; got ${heads} heads of a width of ${width}`)
  check(pooling === 'mean' || pooling === 'cls', `pooling must be mean or cls; got '${pooling}'`)
  const settings: TransformerSettings = { ...sizes, pooling, tokenizer }
  return {
    name: 'transformer',
    settings,
    async create(seed, given) {
      const { createTransformer } = await import('./create-transformer.ts') // brings the graph engine
      return createTransformer(settings, seed, given)
    },
  }
}
