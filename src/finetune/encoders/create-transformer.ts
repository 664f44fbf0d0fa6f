import { filesInMemory, openProcessor, type ProcessorRecipe, readTexts } from '../../embed/index.ts'
import type { CreateOptions, OpenTower } from '../methods/tower-source.ts'
import { buildTower } from './build-tower.ts'
import { check } from './check.ts'
import { readTextReader, type TextReader } from './text-files.ts'
import type { TransformerSettings } from './transformer.ts'
import { normEpsilon, type TransformerShape, transformerDefinition } from './transformer-definition.ts'

const name = 'transformer'

export async function createTransformer(
  settings: TransformerSettings,
  seed: number,
  { dropout = 0, maximumTokens = settings.maximumTokens }: CreateOptions = {},
): Promise<OpenTower> {
  const { layers, width, heads, hidden, pooling } = settings
  const reader = await readTextReader(settings.tokenizer)
  checkLength(settings, reader, maximumTokens)
  const { vocabulary, padId } = reader
  const shape: TransformerShape = { layers, width, heads, hidden, vocabulary, positions: settings.maximumTokens }
  const describe = (most: number) =>
    reader.describe({ config: configOf(shape, padId), pooling, dimensions: width, maximumTokens: most })
  const files = describe(maximumTokens)
  const { settings: texts, tokenizerFile, prompts } = await readTexts(filesInMemory('the new transformer', files))
  const inputs = new Map([
    ['input_ids', 'int64'],
    ['attention_mask', 'int64'],
  ] as const)
  const reading = { tokenizerFile, prompts, settings: texts.tokenizer, maximumTokens }
  const processor: ProcessorRecipe = { kind: 'text', ...reading, inputs, pooling: [pooling] }
  const tower = buildTower({
    definition: transformerDefinition(shape),
    head: { pooling: [pooling], layers: [{ kind: 'normalize' }] },
    seed,
    dropout,
    feeds: new Set((await openProcessor(processor)).feeds.keys()),
    facts: JSON.stringify([settings, files]),
    describe: (most = maximumTokens) => describe(most),
  })
  const identity = { model: name, encoder: settings, modelSha256: tower.identity(), maxTokens: maximumTokens, dropout }
  return { tower, processor, identity, family: name }
}

function checkLength({ maximumTokens: most }: TransformerSettings, { specialTokens }: TextReader, given: number): void {
  const least = specialTokens + 1
  const room = 'one token beside the special ones'
  check(most >= least, `maximumTokens must be at least ${least}, ${room}; got ${most}`)
  check(
    given >= least && given <= most,
    `maxTokens (--max-tokens) must be from ${least}, ${room}, to ${most}, the encoder's own maximumTokens; got ${given}`,
  )
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
