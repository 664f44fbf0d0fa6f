import { createBuilder, serializeModel, type ValueName } from '../../graph/index.ts'
import {
  type ConcreteDevice,
  createResidentRunner,
  type HostTensors,
  type ResidentTensors,
} from '../../runtime/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import type { Parameter } from '../optimizer/parameters.ts'
import { type DeviceStepperOptions, type DeviceStepSettings, stateFeeds, stepFeeds, takeState } from './device-state.ts'
import { scalarOf } from './gradients.ts'
import { keep } from './kept.ts'
import { buildUpdateGraph, slotName } from './step-graph.ts'

/** Steps whose weights and optimizer state stay in the device's memory, where its binding gives outputs there (WebGPU). */
export interface DeviceStepper {
  step(batch: Batch, settings: DeviceStepSettings): Promise<{ readonly loss: number; readonly norm: number }>
  /** Brings the state into the parameters' memory, for checkpoints, measuring, export and steps on the host; the next step takes it from there. */
  download(): Promise<void>
  close(): Promise<void>
}

export function createDeviceStepper(options: DeviceStepperOptions): DeviceStepper {
  const { tower, processor, loss, optimizer, parameters, device, threads } = options
  let state: ResidentTensors = {}

  const sessions = keep(async (groups: number, negatives: boolean) => {
    const graph = buildUpdateGraph(tower, { loss, groups, negatives, optimizer })
    const stay = new Set(graph.next.values())
    const session = { device, threads, stay, planMemory: false }
    return { graph, runner: await createResidentRunner(serializeModel(graph.model), session) }
  })

  function free(): void {
    for (const tensor of Object.values(state)) tensor.dispose()
    state = {}
  }

  return {
    async step(batch, settings) {
      const { graph, runner } = await sessions.get(batch.groups.length, batch.negatives.length > 0)
      const feeds = { ...stateFeeds(parameters, optimizer), ...stepFeeds(tower, processor, batch, settings) } // what is on the device comes before
      const { host, resident } = await runner.run(feeds, state)
      const before = state
      state = Object.fromEntries(
        [...graph.next].flatMap(([name, output]) => (resident[output] ? [[name, resident[output]]] : [])),
      )
      for (const tensor of Object.values(before)) tensor.dispose()
      return { loss: scalarOf(host, graph.loss), norm: scalarOf(host, graph.norm) }
    },

    async download() {
      if (Object.keys(state).length === 0) return
      const values = await copyToHost(state, [...parameters.values()], optimizer, { device, threads })
      takeState(parameters, optimizer, (name) => values[name])
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
  { device, threads }: { readonly device: ConcreteDevice; readonly threads: number },
): Promise<HostTensors> {
  const g = createBuilder()
  const copies = new Map<ValueName, ValueName>()
  for (const { name, dims } of parameters) {
    for (const value of [name, ...optimizer.slots.map((slot) => slotName(slot, name))]) {
      if (!state[value]) continue
      const type = { dtype: 'float32', dims } as const
      copies.set(value, g.op('Identity', [g.input(value, type)]))
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
