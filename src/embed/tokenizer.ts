import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { messageOf, QontrastError } from '../shared/index.ts'

/** Texts to token ids, the way the model was trained to read them. */
export interface Tokenizer {
  /** Ids with special tokens, cut to the model's maximum. */
  encode(text: string): number[]
  /** Ids without special tokens, cut to `limit` where one is given. */
  ids(text: string, limit?: number): number[]
  readonly padId: number
  readonly padSide: 'left' | 'right'
  /** Ids that special tokens add to every text. */
  readonly specialTokens: number
  /** Ids that the special tokens put in front of a text. */
  readonly prefixTokens: number
  readonly maximumTokens: number
  idOf(token: string): number | undefined
  tokenOf(id: number): string | undefined
  vocabulary(): ReadonlyMap<string, number>
}

export interface TokenizerFiles {
  /** `tokenizer.json`, parsed. */
  readonly tokenizer: object
  /** `tokenizer_config.json`, parsed; `{}` where there is none. */
  readonly config: object
}

export interface TokenizerSettings {
  /** Longest sequence the model takes, special tokens included. */
  readonly maximumTokens: number
  readonly padId: number
  readonly padSide: 'left' | 'right'
  readonly lowerCase?: boolean
}

/** Builds a tokenizer from its files; `model-invalid` where they do not describe one. */
export function createTokenizer(files: TokenizerFiles, settings: TokenizerSettings): Tokenizer {
  const { maximumTokens, padId, padSide, lowerCase = false } = settings
  const tokenizer = build(files)
  const plain = (text: string) =>
    tokenizer.encode(lowerCase ? text.toLowerCase() : text, { add_special_tokens: false }).ids
  const { prefix, suffix } = specialTokensAround(tokenizer)
  const specialTokens = prefix.length + suffix.length

  const ids = (text: string, limit = Number.POSITIVE_INFINITY) =>
    Number.isFinite(limit) ? leadingIds(text, limit, plain) : plain(text)

  return {
    encode: (text) => [...prefix, ...ids(text, maximumTokens - specialTokens), ...suffix],
    ids,
    padId,
    padSide,
    specialTokens,
    prefixTokens: prefix.length,
    maximumTokens,
    idOf: (token) => tokenizer.token_to_id(token),
    tokenOf: (id) => tokenizer.id_to_token(id),
    vocabulary: () => tokenizer.get_vocab(true),
  }
}

function build({ tokenizer, config }: TokenizerFiles): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(tokenizer, config)
  } catch (cause) {
    throw new QontrastError('model-invalid', `tokenizer.json does not describe a tokenizer: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The first `limit` ids without tokenizing all of a long text: a text cut at white space gives the same leading ids. */
function leadingIds(text: string, limit: number, plain: (text: string) => number[]): number[] {
  for (let length = limit * 8; length < text.length; length *= 4) {
    const cut = lastWhiteSpace(text, length)
    if (cut <= 0) continue
    const ids = plain(text.slice(0, cut))
    if (ids.length >= limit) return ids.slice(0, limit)
  }
  const ids = plain(text)
  return ids.length > limit ? ids.slice(0, limit) : ids
}

function lastWhiteSpace(text: string, from: number): number {
  for (let i = from; i > from / 2; i--) if (/\s/.test(text.charAt(i))) return i
  return -1
}

/** What the post-processor puts before and after a text, seen by encoding one token with and without it. */
function specialTokensAround(tokenizer: HuggingFaceTokenizer): { prefix: number[]; suffix: number[] } {
  const bare = tokenizer.encode('a', { add_special_tokens: false }).ids
  const whole = tokenizer.encode('a').ids
  for (let at = 0; at + bare.length <= whole.length; at++) {
    if (bare.every((id, i) => whole[at + i] === id)) {
      return { prefix: whole.slice(0, at), suffix: whole.slice(at + bare.length) }
    }
  }
  return { prefix: [], suffix: [] }
}
