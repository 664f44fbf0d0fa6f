import type { ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { Expression } from '../optimizer/arithmetic.ts'
import type { Dropout } from '../tower/dropout.ts'

/** What taking a step needs to know of a recipe once the graphs are built: plain data, so that it may be taken on another thread. */
export interface StepFacts {
  readonly passes: Readonly<Record<string, PassFacts>>
  readonly update: UpdateFacts
  /** What follows the weights once they have moved, by follower. */
  readonly followers: Readonly<Record<string, readonly Following[]>>
}

export interface PassFacts {
  /** Numbers of an embedding. */
  readonly dimensions: number
  readonly dropout: Dropout | undefined
  /** No gradient goes into it. */
  readonly follows: boolean
}

/** How weights move. */
export interface UpdateFacts {
  readonly slots: readonly string[]
  /** What a weight and its slots become, by their names in an update. */
  readonly next: Readonly<Record<string, Expression>>
  readonly moved: readonly MovedFacts[]
}

export interface MovedFacts {
  readonly name: ValueName
  /** What the optimizer keeps for it, in the order of `slots`. */
  readonly slots: readonly ValueName[]
  readonly decays: boolean
  /** What it is brought back to after an update. */
  readonly settled: Expression | undefined
}

export interface Following {
  readonly shadow: ValueName
  readonly weight: ValueName
}

/** What a step should know of the tower, or follower, that a group goes through. */
export function passOf({ passes }: StepFacts, name: string): PassFacts {
  const pass = Object.hasOwn(passes, name) ? passes[name] : undefined
  if (pass) return pass
  throw new QontrastError('internal', `'${name}' is no tower`)
}
