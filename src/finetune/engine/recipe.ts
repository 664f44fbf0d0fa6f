import type { ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { Loss } from '../losses/loss.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import type { Parameter } from '../optimizer/parameter.ts'
import type { Tower } from '../tower/tower.ts'

/** All that a step is made of, beside its state and its batch. */
export interface Recipe {
  readonly towers: Readonly<Record<string, Tower>>
  /** Each has a tower's graph with weights of its own, which follow the tower's and get no gradient. */
  readonly followers: Readonly<Record<string, Follower>>
  /** What the loss gets: each goes through an encoder, and the heads after it. */
  readonly embeddings: Readonly<Record<string, Through>>
  readonly loss: Loss
  readonly optimizer: Optimizer
}

export interface Through {
  /** Names of towers or followers. */
  readonly through: readonly [encoder: string, ...heads: string[]]
  /** No gradient goes back through it. */
  readonly stop?: boolean
}

export interface Follower {
  /** The tower that it follows. */
  readonly of: string
  /** Share of itself that a shadow keeps in a step counted from 1. */
  momentum(step: number): number
}

/** A tower as a pass goes through it, with the names that its weights and buffers have in a step's graph and state. */
export interface Part {
  /** The tower, or the follower. */
  readonly name: string
  readonly tower: Tower
  readonly follows: Follower | undefined
  weight(name: ValueName): ValueName
  buffer(name: ValueName): ValueName
}

/** The towers and followers of a recipe. Weights of a tower that stands alone have their own names; a shadow has the follower's before that of its weight. */
export function partsOf({ towers, followers }: Recipe): ReadonlyMap<string, Part> {
  const alone = Object.keys(towers).length === 1
  const own = Object.entries(towers).map(([name, tower]): [string, Part] => {
    const scoped = (value: ValueName) => (alone ? value : `${name}/${value}`)
    return [name, { name, tower, follows: undefined, weight: scoped, buffer: scoped }]
  })
  const parts = new Map(own)
  for (const [name, follower] of Object.entries(followers)) {
    const followed = parts.get(follower.of)
    if (!followed || parts.has(name))
      throw new QontrastError(
        'internal',
        `the follower '${name}' follows '${follower.of}', or is named as another part`,
      )
    const { tower } = followed
    const shadow = (value: ValueName) => `${name}/${followed.weight(value)}`
    const weight = (value: ValueName) =>
      isTrainable(tower.parameters.get(value)) ? shadow(value) : followed.weight(value)
    parts.set(name, { name, tower, follows: follower, weight, buffer: shadow })
  }
  return parts
}

/** The tower, or follower, of a name. */
export function partOf(recipe: Recipe, name: string): Part {
  const part = partsOf(recipe).get(name)
  if (part) return part
  throw new QontrastError('internal', `'${name}' is no tower`)
}

/** The way of one of the loss's embeddings. */
export function embeddingOf({ embeddings }: Recipe, name: string): Through {
  const embedding = Object.hasOwn(embeddings, name) ? embeddings[name] : undefined
  if (embedding) return embedding
  throw new QontrastError('internal', `'${name}' is no embedding`)
}

/** The names of the trained weights that some towers have; followers have none. */
export function trainedIn(recipe: Recipe, names: readonly string[]): Set<ValueName> {
  const parts = [...new Set(names)].map((name) => partOf(recipe, name)).filter(({ follows }) => !follows)
  return new Set(
    parts.flatMap(({ tower, weight }) =>
      [...tower.parameters].flatMap(([name, one]) => (isTrainable(one) ? [weight(name)] : [])),
    ),
  )
}

/** All that is learned: weights of towers, and the loss's parameters, by their names in a step's graph and state. */
export function parametersOf(recipe: Recipe): ReadonlyMap<ValueName, Parameter> {
  const own = [...partsOf(recipe).values()].filter(({ follows }) => !follows)
  const ofTowers = own.flatMap(({ tower, weight }) =>
    [...tower.parameters].map(([name, one]) => [weight(name), one] as const),
  )
  const ofLoss = Object.entries(recipe.loss.parameters ?? {}).map(([name, one]) => [lossParameter(name), one] as const)
  return new Map([...ofTowers, ...ofLoss])
}

export function isTrainable(parameter: Parameter | undefined): boolean {
  return parameter !== undefined && parameter.trainable !== false
}

/** Names in a step's graph and state of what the loss has, and of what the optimizer keeps for a parameter. */
export const lossParameter = (name: string): ValueName => `loss.parameters/${name}`
export const lossState = (name: string): ValueName => `loss.state/${name}`
export const slotName = (slot: string, parameter: ValueName): ValueName => `${slot}/${parameter}`
