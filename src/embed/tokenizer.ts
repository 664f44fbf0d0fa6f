import type { Tokenizer as Pipeline } from '@huggingface/tokenizers'
import { QontrastError } from '../shared/index.ts'
import { buildPipeline } from './tokenizer/pipeline.ts'

/** Texts to token ids, the way the model was trained to read them. */
export interface Tokenizer {
  /** Ids with special tokens, cut to the model's maximum. */
  encode(text: string): number[]
  /** The same cut to another maximum, special tokens included, and whether the text was longer. */
  read(text: string, maximumTokens: number): { readonly ids: number[]; readonly cut: boolean }
  /** Ids without special tokens, cut to `limit` where one is given. */
  ids(text: string, limit?: number): number[]
  /** Ids that special tokens add to every text. */
  readonly specialTokens: number
  /** Ids that the special tokens put in front of a text. */
  readonly prefixTokens: number
  readonly maximumTokens: number
  idOf(token: string): number | undefined
  tokenOf(id: number): string | undefined
  vocabulary(): ReadonlyMap<string, number>
}

export type TokenizerSettings = {
  /** Longest sequence the model takes, special tokens included. */
  readonly maximumTokens: number
  /** Which end of a longer text is left out. */
  readonly truncationSide: 'left' | 'right'
  readonly padId: number
  readonly padSide: 'left' | 'right'
  readonly lowerCase: boolean
}

/** Builds a tokenizer from its parsed `tokenizer.json`; `model-invalid` where it does not describe one. */
export function createTokenizer(file: object, settings: TokenizerSettings): Tokenizer {
  const tokenizer = tokenizerOf(buildPipeline(file, settings), settings)
  checkRoom(tokenizer)
  return tokenizer
}

/** A text needs a token of its own beside the special ones. */
function checkRoom({ maximumTokens, specialTokens }: Tokenizer): void {
  if (maximumTokens > specialTokens) return
  throw new QontrastError(
    'model-invalid',
    `The model is said to read ${maximumTokens} tokens, and ${specialTokens} of them are special ones, so that none is left for a text. Raise max_seq_length in sentence_bert_config.json, or model_max_length in tokenizer_config.json.`,
  )
}

/** A tokenizer around a pipeline: special tokens, and cutting to a length. */
export function tokenizerOf(pipeline: Pipeline, settings: TokenizerSettings): Tokenizer {
  const { maximumTokens, truncationSide } = settings
  const plain = (text: string) => pipeline.encode(text.toWellFormed(), { add_special_tokens: false }).ids
  const { prefix, suffix } = specialTokensAround(pipeline)
  const specialTokens = prefix.length + suffix.length

  const cutIds = (text: string, limit: number): { ids: number[]; cut: boolean } => {
    if (limit <= 0) return { ids: [], cut: text !== '' }
    if (!Number.isFinite(limit)) return { ids: plain(text), cut: false }
    if (truncationSide === 'right') return leadingIds(text, limit, plain)
    const ids = plain(text)
    return { ids: ids.slice(-limit), cut: ids.length > limit }
  }
  const read = (text: string, maximum: number) => {
    const { ids, cut } = cutIds(text, maximum - specialTokens)
    return { ids: [...prefix, ...ids, ...suffix], cut }
  }

  return {
    encode: (text) => read(text, maximumTokens).ids,
    read,
    ids: (text, limit = Number.POSITIVE_INFINITY) => cutIds(text, limit).ids,
    specialTokens,
    prefixTokens: prefix.length,
    maximumTokens,
    idOf: (token) => pipeline.token_to_id(token),
    tokenOf: (id) => pipeline.id_to_token(id),
    vocabulary: () => pipeline.get_vocab(true),
  }
}

/** Tokens before a cut that may be others than in the whole text. */
const margin = 8

/** The first `limit` ids without tokenizing all of a long text: a text cut at white space gives the same leading ids. */
function leadingIds(text: string, limit: number, plain: (text: string) => number[]): { ids: number[]; cut: boolean } {
  for (let length = limit * 8; length < text.length; length *= 4) {
    const cut = lastWhiteSpace(text, length)
    if (cut <= 0) continue
    const ids = plain(text.slice(0, cut))
    if (ids.length >= limit + margin) return { ids: ids.slice(0, limit), cut: true }
  }
  const ids = plain(text)
  return ids.length > limit ? { ids: ids.slice(0, limit), cut: true } : { ids, cut: false }
}

function lastWhiteSpace(text: string, from: number): number {
  for (let i = from; i > from / 2; i--) if (/\s/.test(text.charAt(i))) return i
  return -1
}

/** What the post-processor puts before and after a text, seen by encoding one token with and without it. */
function specialTokensAround(pipeline: Pipeline): { prefix: number[]; suffix: number[] } {
  const bare = pipeline.encode('a', { add_special_tokens: false }).ids
  const whole = pipeline.encode('a').ids
  for (let at = 0; at + bare.length <= whole.length; at++) {
    if (bare.every((id, i) => whole[at + i] === id)) {
      return { prefix: whole.slice(0, at), suffix: whole.slice(at + bare.length) }
    }
  }
  return { prefix: [], suffix: [] }
}
