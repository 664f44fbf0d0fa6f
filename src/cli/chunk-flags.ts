import type { Command } from 'commander'
import type { Chunking } from '../index/index.ts'
import { wholeNumber } from './options.ts'

/** Flags of the commands that cut texts. */
export interface ChunkFlags {
  readonly chunk: boolean
  readonly chunkTokens?: number
  readonly chunkOverlap?: number
}

/** Adds them to a command. */
export function addChunkFlags(command: Command): Command {
  return command
    .option('--chunk-tokens <n>', 'most tokens of a chunk', wholeNumber(1))
    .option('--chunk-overlap <n>', 'tokens that a chunk shares with the one before', wholeNumber(0))
    .option('--no-chunk', 'keep every text whole; the model reads its beginning only')
}

/** How texts are cut, as asked for. */
export function chunking({ chunk, chunkTokens, chunkOverlap }: ChunkFlags): Chunking {
  if (!chunk) return false
  return {
    ...(chunkTokens === undefined ? {} : { tokens: chunkTokens }),
    ...(chunkOverlap === undefined ? {} : { overlap: chunkOverlap }),
  }
}
