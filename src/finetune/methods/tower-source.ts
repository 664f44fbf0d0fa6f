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
