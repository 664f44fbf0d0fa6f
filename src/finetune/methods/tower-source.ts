import type { ProcessorRecipe } from '../../embed/index.ts'
import type { JsonObject } from '../../shared/index.ts'
import type { Tower } from '../tower/tower.ts'

/** A tower that is ready to be trained. */
export interface OpenTower {
  readonly tower: Tower
  /** How inputs become what it is fed; a head has none, it goes on from another tower. */
  readonly processor?: ProcessorRecipe
  /** What a resumed run must share, by the names that config.json has for it. */
  readonly identity: JsonObject
  /** The folder that it was read from. */
  readonly folder?: string
  /** What kind of model it is, for who reads an error. */
  readonly family?: string
}

/** Where a tower comes from: read, or made, as a run begins. */
export interface TowerSource {
  /** `model-invalid` where it cannot be trained. */
  open(): Promise<OpenTower>
}

/** An encoder that never was a file, as a value: training begins with it. */
export interface EncoderSource {
  readonly name: string
  /** All that it is made by, its seed excepted. */
  readonly settings: JsonObject
  /** The same seed gives the same weights. `invalid-option` for options that the encoder cannot follow. */
  create(seed: number, options?: CreateOptions): Promise<OpenTower>
}

export interface CreateOptions {
  /** Probability with which training drops values out. */
  readonly dropout?: number
  /** Cuts texts shorter than the encoder would. */
  readonly maximumTokens?: number
}
