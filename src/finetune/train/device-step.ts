import { createBuilder, serializeModel, type ValueName } from '../../graph/index.ts'
import {
  createResidentRunner,
  type Device,
  type HostTensor,
  type HostTensors,
  type ResidentTensors,
} from '../../runtime/index.ts'
import { combineSeeds } from '../../shared/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import type { Parameter } from '../optimizer/parameters.ts'
import { groupFeeds, parameterFeeds, rowFeeds } from './feeds.ts'
import { scalarOf } from './gradients.ts'
import { keep } from './kept.ts'
import type { StepperOptions } from './step.ts'
import { buildUpdateGraph, slotName } from './step-graph.ts'
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

/** Steps whose weights and optimizer state stay in the device's memory. */
export interface DeviceStepper {
  step(batch: Batch, settings: DeviceStepSettings): Promise<{ readonly loss: number; readonly norm: number }>
  /** Brings the state into the parameters' memory, for checkpoints, measuring, export and steps on the host; the next step takes it from there. */
  download(): Promise<void>
  close(): Promise<void>
}

const unlimited = 3e38

export function createDeviceStepper({
  tower,
  files,
  loss,
  optimizer,
  parameters,
  device,
  threads,
}: DeviceStepperOptions): DeviceStepper {
  let state: ResidentTensors = {}

  const sessions = keep(async (groups: number, negatives: boolean) => {
    const graph = buildUpdateGraph(tower, { loss, groups, negatives, optimizer })
    const stay = new Set(graph.next.values())
    const options = { device, threads, stay, planMemory: false }
    return { graph, runner: await createResidentRunner(serializeModel(graph.model), options) }
  })

  function free(): void {
    for (const tensor of Object.values(state)) tensor.dispose()
    state = {}
  }

  /** State that is not on the device yet: at first all of it. */
  const hostState = (): HostTensors => ({
    ...parameterFeeds(parameters),
    ...Object.fromEntries(
      [...parameters.values()].flatMap(({ name, dims, slots }) =>
        slots.map((data, i): [string, HostTensor] => [
          slotName(optimizer.slots[i] ?? '', name),
          { dtype: 'float32', dims, data },
        ]),
      ),
    ),
  })

  return {
    async step(batch, { rate, decay, step, clip, seed }) {
      const { graph, runner } = await sessions.get(batch.groups.length, batch.negatives.length > 0)
      const scalars = { rate, decay, step, clip: clip > 0 ? clip : unlimited }
      const feeds: HostTensors = Object.assign(
        hostState(),
        rowFeeds(batch),
        Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalar(value)])),
        ...batch.groups.map((group, i) => groupFeeds(tower, files, { group: i, seed: combineSeeds(seed, i) }, group)),
      )
      const { host, resident } = await runner.run(feeds, state)
      const before = state
      state = Object.fromEntries(
        [...graph.next].flatMap(([name, output]) => (resident[output] ? [[name, resident[output]]] : [])),
      )
      for (const tensor of Object.values(before)) tensor.dispose()
      return { loss: scalarOf(host, graph.loss), norm: scalarOf(host, graph.norm) }
    },

    async download() {
      const names = Object.keys(state)
      if (names.length === 0) return
      const values = await copyToHost(state, [...parameters.values()], optimizer, { device, threads })
      for (const { name, weights, slots, dims, usedRows } of parameters.values()) {
        copyInto(weights, values[name])
        for (const [i, slot] of slots.entries()) copyInto(slot, values[slotName(optimizer.slots[i] ?? '', name)])
        if (usedRows) for (let row = 0; row < (dims[0] ?? 0); row++) usedRows.add(row)
      }
      free()
    },

    async close() {
      free()
      await sessions.close()
    },
  }
}

/** Through a graph of Identity nodes: reading a WebGPU buffer directly ends the process (onnxruntime-node 1.30). */
async function copyToHost(
  state: ResidentTensors,
  parameters: readonly Parameter[],
  optimizer: Optimizer,
  { device, threads }: { readonly device: Device; readonly threads: number },
): Promise<HostTensors> {
  const g = createBuilder()
  const copies = new Map<ValueName, ValueName>()
  for (const { name, dims } of parameters) {
    for (const value of [name, ...optimizer.slots.map((slot) => slotName(slot, name))]) {
      if (!state[value]) continue
      const type = { dtype: 'float32', dims } as const
      copies.set(value, g.op('Identity', [g.input(value, type)], {}, { type }))
    }
  }
  for (const name of copies.values()) g.output(name)
  const model = { graph: g.build('copy'), irVersion: 9, opsets: new Map([['', 20]]), functions: [] }
  const runner = await createResidentRunner(serializeModel(model), { device, threads, stay: new Set() })
  try {
    const { host } = await runner.run({}, state)
    return Object.fromEntries([...copies].flatMap(([value, copy]) => (host[copy] ? [[value, host[copy]]] : [])))
  } finally {
    await runner.release()
  }
}

function copyInto(target: Float32Array, tensor: HostTensor | undefined): void {
  if (tensor?.dtype === 'float32') target.set(tensor.data)
}
