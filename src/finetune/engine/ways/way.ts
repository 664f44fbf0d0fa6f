import type { Processor } from '../../../embed/index.ts'
import type { ConcreteDevice, HostTensors } from '../../../runtime/index.ts'
import { combineSeeds } from '../../../shared/index.ts'
import type { Batch } from '../../data/collate.ts'
import { clipLimit } from '../../optimizer/clipping.ts'
import { scalar } from '../../tensors.ts'
import { groupFeeds, passesOf, rowFeeds } from '../feeds.ts'
import { clipInput, momentumInput } from '../graphs/update.ts'
import { partOf, type Recipe } from '../recipe.ts'
import { type TrainState, valuesOf } from '../state.ts'

/** What every way of taking steps is given. */
export interface WayOptions {
  readonly recipe: Recipe
  readonly state: TrainState
  readonly processor: Processor
  readonly device: ConcreteDevice
  readonly threads: number
}

export interface StepSettings {
  readonly rate: number
  /** Share of the rate by which weights decay whose role says so. */
  readonly weightDecay: number
  /** Counted from 1. */
  readonly step: number
  /** Largest norm of the gradient; 0 for none. */
  readonly clip: number
  /** What the step's dropout follows from. */
  readonly seed: number
}

export interface StepResult {
  readonly loss: number
  /** Of all gradients together, before clipping. */
  readonly norm: number
  /** What the loss reports. */
  readonly metrics: Readonly<Record<string, number>>
}

/** Every input of a step on a device beside its state. */
export function stepFeeds(
  recipe: Recipe,
  processor: Processor,
  batch: Batch,
  { rate, weightDecay, step, clip, seed }: StepSettings,
): HostTensors {
  const momenta = Object.entries(recipe.followers).map(
    ([name, { momentum }]) => [momentumInput(name), momentum(step)] as const,
  )
  const scalars = { rate, decay: weightDecay, step, [clipInput]: clipLimit(clip), ...Object.fromEntries(momenta) }
  const passes = passesOf(batch)
  return Object.assign(
    rowFeeds(batch),
    Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalar(value)])),
    ...batch.groups.map((texts, group) => {
      const { tower } = partOf(recipe, passes[group] ?? '')
      return groupFeeds(tower, processor, { group, seed: combineSeeds(seed, group) }, texts)
    }),
  )
}

/** The state as inputs: views of its memory. */
export function stateFeeds(state: TrainState): HostTensors {
  return Object.fromEntries(valuesOf(state))
}
