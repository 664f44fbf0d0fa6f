import type { Input, Purpose } from '../../embed/index.ts'
import type { JsonObject } from '../../shared/index.ts'
import type { Loss } from '../losses/loss.ts'
import type { Momentum } from '../optimizer/following.ts'
import type { TowerSource } from './tower-source.ts'

/** Another look at an input, by chance. */
export interface Augment {
  readonly name: string
  readonly settings: JsonObject
  /** `random` gives numbers from 0 to 1, the same ones for the same example, view, epoch and seed of the run. */
  apply(input: Input, random: () => number): Input | Promise<Input>
}

/** What is seen of an example. */
export interface View {
  /** The column of the data; one that holds several inputs gives as many rows. */
  readonly of: string
  /** What a text is read as; `document` where it is left out. */
  readonly purpose?: Purpose
  readonly augment?: Augment
}

/** A tower of the shape of another, whose weights follow the other's (He et al. 2020, arXiv:1911.05722). */
export interface FollowingTower {
  readonly follows: string
  readonly momentum: Momentum
}

/** A view through an encoder and its heads. */
export interface Embedding {
  readonly view: string
  /** An encoder, then heads in their order. */
  readonly through: readonly [encoder: string, ...heads: string[]]
  /** No gradient goes back through it. */
  readonly stop?: true
}

/** A training method as a value: what is seen, through what, and what is learned from it. The engine that trains knows no other. */
export interface Method {
  readonly name: string
  /** What it was made with: a resumed run must share it, and the model card says it. */
  readonly settings: JsonObject
  readonly views: Readonly<Record<string, View>>
  readonly towers: Readonly<Record<string, TowerSource | FollowingTower>>
  readonly embeddings: Readonly<Record<string, Embedding>>
  readonly loss: Loss
  /** The tower that is measured and written in the end. */
  readonly result: string
}
