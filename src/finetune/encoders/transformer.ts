import { bundledEncoder, createTextProcessor, filesInMemory, type PoolingMode, readTexts } from '../../embed/index.ts'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../../shared/index.ts'
import { buildTower } from './build-tower.ts'
import type { EncoderSource } from './source.ts'
import { readTextReader } from './text-files.ts'
import { normEpsilon, type TransformerShape, transformerDefinition } from './transformer-definition.ts'

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
  readonly pooling?: Extract<PoolingMode, 'mean' | 'cls'>
  /** A model whose tokenizer is taken: the bundled one, a folder, or a hub name. */
  readonly tokenizer?: string
}

const keys: OptionKeys<TransformerEncoderOptions> = {
  layers: true,
  width: true,
  heads: true,
  hidden: true,
  maximumTokens: true,
  pooling: true,
  tokenizer: true,
}

/** A text encoder from scratch, with BERT's layers and initial weights (Devlin et al. 2019, arXiv:1810.04805). `invalid-option` for sizes that do not go together. */
export function transformer(options: TransformerEncoderOptions = {}): EncoderSource {
  checkOptionKeys('transformer', options, keys)
  const { layers = 4, width = 128, heads = 4, maximumTokens: positions = 128, pooling = 'mean' } = options
  const { hidden = 4 * width, tokenizer = bundledEncoder } = options
  const sizes = { layers, width, heads, hidden, maximumTokens: positions }
  for (const [name, size] of Object.entries(sizes))
    check(Number.isInteger(size) && size >= 1, `${name} must be a whole number from 1; got ${size}`)
  check(width % heads === 0, `heads must divide the width; got ${heads} heads of a width of ${width}`)
  check(pooling === 'mean' || pooling === 'cls', `pooling must be mean or cls; got '${pooling}'`)
  const settings = { ...sizes, pooling, tokenizer }
  return {
    name: 'transformer',
    settings,
    maximumTokens: positions,
    async create(seed, { dropout = 0, maximumTokens = positions } = {}) {
      const { vocabulary, padId, describe } = await readTextReader(tokenizer)
      const shape: TransformerShape = { layers, width, heads, hidden, vocabulary, positions }
      const described = (most: number) =>
        describe({ config: configOf(shape, padId), pooling, dimensions: width, maximumTokens: most })
      const files = described(maximumTokens)
      const texts = await readTexts(filesInMemory('the new transformer', files))
      const inputs = new Map([
        ['input_ids', 'int64'],
        ['attention_mask', 'int64'],
      ] as const)
      const reading = { ...texts, settings: texts.settings.tokenizer }
      const processor = createTextProcessor({ ...reading, inputs, pooling: [pooling] })
      const tower = buildTower({
        definition: transformerDefinition(shape),
        head: { pooling: [pooling], layers: [{ kind: 'normalize' }] },
        seed,
        dropout,
        feeds: new Set(processor.feeds.keys()),
        facts: JSON.stringify([settings, files]),
        describe: (most = maximumTokens) => described(most),
      })
      return { tower, processor }
    },
  }
}

/** What transformers.js and transformers ask a model's folder for. */
function configOf({ layers, width, heads, hidden, vocabulary, positions }: TransformerShape, padId: number): object {
  return {
    model_type: 'bert',
    architectures: ['BertModel'],
    vocab_size: vocabulary,
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: hidden,
    hidden_act: 'gelu',
    layer_norm_eps: normEpsilon,
    max_position_embeddings: positions,
    type_vocab_size: 1,
    pad_token_id: padId,
  }
}

function check(holds: boolean, expected: string): void {
  if (!holds) throw new QontrastError('invalid-option', `${expected}.`)
}
