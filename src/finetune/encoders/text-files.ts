import { locateModel, type PoolingMode, readTexts } from '../../embed/index.ts'
import { anyTokenizer, sentenceFiles } from '../tower/descriptions.ts'

/** How a new model reads texts. */
export interface TextReader {
  /** Ids are below this. */
  readonly vocabulary: number
  readonly padId: number
  /** Ids around every text. */
  readonly specialTokens: number
  /** Files that describe the model, by their names in its folder. */
  describe(model: DescribedModel): Readonly<Record<string, object>>
}

export interface DescribedModel {
  /** `config.json`. */
  readonly config: object
  readonly pooling: PoolingMode
  readonly dimensions: number
  /** Longest text in tokens, special ones included. */
  readonly maximumTokens: number
}

/** Takes over the tokenizer of a model: of the bundled one, a folder or a hub name. Where that puts nothing around a text, it puts [CLS] before and [SEP] behind, so that no text is empty. */
export async function readTextReader(name: string): Promise<TextReader> {
  const source = await locateModel(name)
  const given = await readTexts(source)
  const { tokenizer, settings } = given
  const { padId, truncationSide, lowerCase } = settings.tokenizer
  const found = tokenizer.vocabulary()
  const largest = [...found.values()].reduce((most, id) => Math.max(most, id), 0)
  const around = tokenizer.specialTokens > 0 ? [] : markers(found, largest)
  const file = around.length > 0 ? withMarkers(given.tokenizerFile, around) : given.tokenizerFile
  return {
    vocabulary: around.reduce((most, { id }) => Math.max(most, id), largest) + 1,
    padId,
    specialTokens: tokenizer.specialTokens + around.length,
    describe({ config, pooling, dimensions, maximumTokens }) {
      const sentences = {
        settings: {
          pooling: { modes: [pooling], prompt: true },
          prompts: { query: '', document: '' },
          tokenizer: { lowerCase },
        },
        tokenizer: { maximumTokens },
      }
      return {
        'config.json': config,
        'tokenizer.json': { ...file, truncation: null, padding: null },
        'tokenizer_config.json': {
          tokenizer_class: anyTokenizer,
          model_max_length: maximumTokens,
          padding_side: 'right', // places are counted from the left: padding there would shift them
          truncation_side: truncationSide,
          pad_token: tokenizer.tokenOf(padId),
        },
        ...sentenceFiles(sentences, dimensions),
      }
    },
  }
}

interface Marker {
  readonly id: number
  readonly content: string
}

/** By their ids where the vocabulary has them, else behind its last. */
function markers(vocabulary: ReadonlyMap<string, number>, largest: number): Marker[] {
  let next = largest + 1
  return ['[CLS]', '[SEP]'].map((content) => ({ content, id: vocabulary.get(content) ?? next++ }))
}

function withMarkers(file: object, [first, last]: readonly Marker[]): object {
  const { added_tokens: added = [], post_processor: before = null }: TokenizerParts = file
  const known = new Set(added.map(({ content }) => content))
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  const both = [first, last].filter((marker) => marker !== undefined)
  const token = ({ content }: Marker) => ({ SpecialToken: { id: content, type_id: 0 } })
  const [head, tail] = [first, last].map((marker) => (marker ? [token(marker)] : []))
  const text = (id: string) => [{ Sequence: { id, type_id: 0 } }]
  const template = {
    type: 'TemplateProcessing',
    single: [...(head ?? []), ...text('A'), ...(tail ?? [])],
    pair: [...(head ?? []), ...text('A'), ...(tail ?? []), ...text('B'), ...(tail ?? [])],
    special_tokens: Object.fromEntries(
      both.map(({ id, content }) => [content, { id: content, ids: [id], tokens: [content] }]),
    ),
  }
  return {
    ...file,
    added_tokens: [...added, ...both.filter(({ content }) => !known.has(content)).map((one) => ({ ...one, ...plain }))],
    post_processor: before === null ? template : { type: 'Sequence', processors: [before, template] },
  }
}

interface TokenizerParts {
  readonly added_tokens?: readonly { readonly content: string }[]
  readonly post_processor?: object | null
}
