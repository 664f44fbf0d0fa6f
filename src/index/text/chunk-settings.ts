import { type Encoder, type TextReading, textOf } from '../../embed/index.ts'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../../shared/index.ts'

export interface ChunkSettings {
  /** Most tokens of a chunk, its title included; no more than the encoder reads. Defaults to what the encoder recommends, else 256. */
  readonly tokens?: number
  /** Tokens that a chunk shares with the one before. */
  readonly overlap?: number
}

/** How texts are cut; `false` keeps each whole. What is not given is the encoder's own, whichever it is. */
export type Chunking = ChunkSettings | false

const chunkKeys: OptionKeys<ChunkSettings> = { tokens: true, overlap: true }

type Resolved = { readonly tokens: number; readonly overlap: number } | false

const defaultTokens = 256
const defaultOverlapShare = 0.1
const whole = '/whole'

/** Settings for an encoder, checked: `invalid-option`. */
export function checkChunking(chunk: Chunking, encoder: Encoder): void {
  if (chunk !== false) checkOptionKeys('add: chunk', chunk, chunkKeys)
  const reading = textOf(encoder)
  const resolved = resolve(chunk, reading)
  if (resolved === false) return
  const { tokens, overlap } = resolved
  if (!(Number.isInteger(tokens) && tokens > 0))
    throw new QontrastError('invalid-option', `chunk.tokens must be a whole number above 0; got ${tokens}.`)
  if (!(Number.isInteger(overlap) && overlap >= 0 && overlap < tokens)) {
    throw new QontrastError(
      'invalid-option',
      `chunk.overlap must be a whole number from 0 to chunk.tokens (${tokens}), itself excluded; got ${overlap}.`,
    )
  }
  if (tokens > reading.maximumTokens) {
    throw new QontrastError(
      'invalid-option',
      `chunk.tokens is ${tokens}; the encoder '${encoder.name}' reads ${reading.maximumTokens} tokens at most.`,
    )
  }
}

/** Settings that were made for one encoder, as near to it as another allows. */
export function fitChunking(chunk: Chunking, encoder: Encoder): Resolved {
  const reading = textOf(encoder)
  const resolved = resolve(chunk, reading)
  if (resolved === false) return false
  const tokens = Math.min(resolved.tokens, reading.maximumTokens)
  return { tokens, overlap: Math.min(resolved.overlap, tokens - 1) }
}

/** What stands for settings at the end of a document's hash: only what was asked for, so that a document has the same hash in every generation. */
export function chunkingTag(chunk: Chunking): string {
  if (chunk === false) return whole
  const { tokens, overlap } = chunk
  return tokens === undefined && overlap === undefined ? '' : `/${tokens ?? ''}-${overlap ?? ''}`
}

/** The settings that a document was cut with, from its hash. */
export function chunkingOf(hash: string): Chunking {
  if (hash.endsWith(whole)) return false
  const { tokens, overlap } = /\/(?<tokens>\d*)-(?<overlap>\d*)$/.exec(hash)?.groups ?? {}
  return { ...(tokens ? { tokens: Number(tokens) } : {}), ...(overlap ? { overlap: Number(overlap) } : {}) }
}

function resolve(chunk: Chunking, { chunkTokens, maximumTokens }: TextReading): Resolved {
  if (chunk === false) return false
  const tokens = chunk.tokens ?? Math.min(chunkTokens ?? defaultTokens, maximumTokens)
  return { tokens, overlap: chunk.overlap ?? Math.floor(tokens * defaultOverlapShare) }
}
