import type { ConcreteDevice, HostTensors } from '../../../runtime/index.ts'
import { combineSeeds } from '../../../shared/index.ts'
import type { Batch } from '../../data/batch.ts'
import { clipLimit } from '../../optimizer/clipping.ts'
import { scalar } from '../../tensors.ts'
import type { StepFacts } from '../facts.ts'
import { groupFeeds, rowFeeds } from '../feeds.ts'
import { clipInput, momentumInput } from '../graphs/names.ts'
import type { GraphSource } from '../graphs/source.ts'
import { type TrainState, valuesOf } from '../state.ts'

/** What every way of taking steps is given. */
export interface WayOptions {
  readonly facts: StepFacts
  readonly graphs: GraphSource
  readonly state: TrainState
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
  /** Of each follower: the share of itself that a shadow keeps. */
  readonly momenta: Readonly<Record<string, number>>
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
  facts: StepFacts,
  batch: Batch,
  { rate, weightDecay, step, clip, momenta, seed }: StepSettings,
): HostTensors {
  const following = Object.entries(momenta).map(([name, momentum]) => [momentumInput(name), momentum] as const)
  const scalars = { rate, decay: weightDecay, step, [clipInput]: clipLimit(clip), ...Object.fromEntries(following) }
  return Object.assign(
    rowFeeds(batch),
    Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalar(value)])),
    ...batch.groups.map((group, i) => groupFeeds(facts, group, { group: i, seed: combineSeeds(seed, i) })),
  )
}

/** The state as inputs: views of its memory. */
export function stateFeeds(state: TrainState): HostTensors {
  return Object.fromEntries(valuesOf(state))
}
