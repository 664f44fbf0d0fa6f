import type { Processor } from '../../embed/index.ts'
import type { ValueName } from '../../graph/index.ts'
import type { HostTensor, HostTensors } from '../../runtime/index.ts'
import { combineSeeds } from '../../shared/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import type { Parameter } from '../optimizer/parameters.ts'
import type { Tower } from '../tower/tower.ts'
import { groupFeeds, parameterFeeds, rowFeeds } from './feeds.ts'
import type { StepperOptions } from './step.ts'
import { slotName } from './step-graph.ts'
import { scalar } from './tensors.ts'

export interface DeviceStepperOptions extends StepperOptions {
  readonly optimizer: Optimizer
}

export interface DeviceStepSettings {
  readonly rate: number
  readonly decay: number
  /** Counted from 1. */
  readonly step: number
  /** Largest norm of the gradient; 0 for none. */
  readonly clip: number
  /** What the step's dropout follows from. */
  readonly seed: number
}

type Parameters = ReadonlyMap<ValueName, Parameter>
const unlimited = 3e38

/** Every input of a step beside its state. */
export function stepFeeds(
  tower: Tower,
  processor: Processor,
  batch: Batch,
  { rate, decay, step, clip, seed }: DeviceStepSettings,
): HostTensors {
  const scalars = { rate, decay, step, clip: clip > 0 ? clip : unlimited }
  return Object.assign(
    rowFeeds(batch),
    Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalar(value)])),
    ...batch.groups.map((texts, group) =>
      groupFeeds(tower, processor, { group, seed: combineSeeds(seed, group) }, texts),
    ),
  )
}

/** Weights and what the optimizer keeps for them, as they are in the parameters' memory. */
export function stateFeeds(parameters: Parameters, optimizer: Optimizer): HostTensors {
  const slots = [...parameters.values()].flatMap(({ name, dims, slots: kept }) =>
    kept.map((data, i): [string, HostTensor] => [
      slotName(optimizer.slots[i] ?? '', name),
      { dtype: 'float32', dims, data },
    ]),
  )
  return { ...parameterFeeds(parameters), ...Object.fromEntries(slots) }
}

/** Copies a device's state into the parameters' memory; what it does not have stays as it is. */
export function takeState(
  parameters: Parameters,
  optimizer: Optimizer,
  deviceValue: (name: ValueName) => HostTensor | undefined,
): void {
  for (const { name, weights, slots, dims, usedRows } of parameters.values()) {
    copyInto(weights, deviceValue(name))
    for (const [i, slot] of slots.entries()) copyInto(slot, deviceValue(slotName(optimizer.slots[i] ?? '', name)))
    if (usedRows) for (let row = 0; row < (dims[0] ?? 0); row++) usedRows.add(row)
  }
}

function copyInto(target: Float32Array, tensor: HostTensor | undefined): void {
  if (tensor?.dtype === 'float32') target.set(tensor.data)
}
