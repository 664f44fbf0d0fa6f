import type { Processor } from '../../embed/index.ts'
import type { JsonObject } from '../../shared/index.ts'
import type { Tower } from '../tower/tower.ts'

/** An encoder that never was a file, as a value: training begins with it. */
export interface EncoderSource {
  readonly name: string
  /** All that it is made by, its seed excepted. */
  readonly settings: JsonObject
  /** Longest text in tokens that it reads, special ones included; absent where it reads no texts. */
  readonly maximumTokens?: number
  /** The same seed gives the same weights. */
  create(seed: number, options?: CreateOptions): Promise<CreatedEncoder>
}

export interface CreateOptions {
  /** Probability with which training drops values out. */
  readonly dropout?: number
  /** Cuts texts shorter than the encoder would. */
  readonly maximumTokens?: number
}

export interface CreatedEncoder {
  readonly tower: Tower
  /** What its inputs go through, in training and afterwards. */
  readonly processor: Processor
}
