import type { EncoderSource, TowerSource } from './tower-source.ts'

export interface FreshOptions {
  /** The same seed gives the same weights. */
  readonly seed: number
  /** Longer inputs are cut; null for what the encoder reads. */
  readonly maxTokens: number | null
  /** Probability with which values are dropped out while training. */
  readonly dropout: number
}

/** An encoder that never was a file. */
export function fresh(source: EncoderSource, { seed, maxTokens, dropout }: FreshOptions): TowerSource {
  return { open: () => source.create(seed, { dropout, ...(maxTokens === null ? {} : { maximumTokens: maxTokens }) }) }
}
