import { serializeModel, type ValueName } from '../../graph/index.ts'
import { createRunner, type HostTensor, type HostTensors } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { Batch } from '../data/collate.ts'
import { type DeviceStepperOptions, type DeviceStepSettings, stateFeeds, stepFeeds, takeState } from './device-state.ts'
import { floatsOf } from './gradients.ts'
import { keep } from './kept.ts'
import { buildLoopGraph, type LoopGraph, tapeOf } from './loop-graph.ts'
import { buildUpdateGraph } from './step-graph.ts'
import { int64 } from './tensors.ts'

export interface LoopStep {
  readonly batch: Batch
  readonly settings: DeviceStepSettings
}

/** Steps that are taken several at a time; between them the state stays in the device's memory, after them it is in the parameters'. */
export interface LoopStepper {
  /** All of as many groups of texts, and either all or none with negatives. */
  steps(steps: readonly LoopStep[]): Promise<{ readonly loss: number; readonly norm: number }[]>
  close(): Promise<void>
}

export function createLoopStepper(options: DeviceStepperOptions): LoopStepper {
  const { tower, processor, loss, optimizer, parameters, device, threads } = options

  const sessions = keep(async (groups: number, negatives: boolean) => {
    const graph = buildLoopGraph(
      buildUpdateGraph(tower, { loss, groups, negatives, optimizer }),
      new Set(parameters.keys()),
    )
    return { graph, runner: await createRunner(serializeModel(graph.model), { device, threads, planMemory: false }) }
  })

  return {
    async steps(steps) {
      const [first] = steps
      if (!first) return []
      const { graph, runner } = await sessions.get(first.batch.groups.length, first.batch.negatives.length > 0)
      const feeds = steps.map(({ batch, settings }) => stepFeeds(tower, processor, batch, settings))
      const count: HostTensor = { dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(steps.length)) }
      const results = await runner.run({
        ...stateFeeds(parameters, optimizer),
        ...tapes(graph, feeds),
        [graph.count]: count,
      })
      takeState(parameters, optimizer, (value) => results[graph.next.get(value) ?? ''])
      const [losses, norms] = [floatsOf(results, graph.losses), floatsOf(results, graph.norms)]
      return steps.map((_, i) => ({ loss: losses[i] ?? Number.NaN, norm: norms[i] ?? Number.NaN }))
    },
    close: () => sessions.close(),
  }
}

/** The inputs of all steps as tapes. */
function tapes({ taped }: LoopGraph, steps: readonly HostTensors[]): HostTensors {
  const named = taped.flatMap((name): [ValueName, HostTensor][] => {
    const tape = tapeOf(name)
    const tensors = steps.map((feeds) => {
      const tensor = feeds[name]
      if (!tensor) throw new QontrastError('internal', `a step has no '${name}'`)
      return tensor
    })
    const rank = tensors[0]?.dims.length ?? 0
    if (rank === 0) return [[tape.values, joined(tensors)]]
    const bounds = [0]
    for (const { data } of tensors) bounds.push((bounds.at(-1) ?? 0) + data.length)
    const dims = { ...int64(tensors.flatMap((tensor) => tensor.dims)), dims: [steps.length, rank] }
    return [
      [tape.values, joined(tensors)],
      [tape.bounds, int64(bounds)],
      [tape.dims, dims],
    ]
  })
  return Object.fromEntries(named)
}

/** The values of tensors of one type, one after the other. */
function joined(tensors: readonly HostTensor[]): HostTensor {
  const length = tensors.reduce((sum, { data }) => sum + data.length, 0)
  const dims = [length]
  const floats = tensors.flatMap((tensor) => (tensor.dtype === 'float32' ? [tensor.data] : []))
  const longs = tensors.flatMap((tensor) => (tensor.dtype === 'int64' ? [tensor.data] : []))
  const ints = tensors.flatMap((tensor) => (tensor.dtype === 'int32' ? [tensor.data] : []))
  if (floats.length === tensors.length)
    return { dtype: 'float32', dims, data: concat(new Float32Array(length), floats) }
  if (longs.length === tensors.length) return { dtype: 'int64', dims, data: concat(new BigInt64Array(length), longs) }
  if (ints.length === tensors.length) return { dtype: 'int32', dims, data: concat(new Int32Array(length), ints) }
  throw new QontrastError('internal', `steps have an input as ${tensors.map(({ dtype }) => dtype)}`)
}

interface Settable<A> {
  readonly length: number
  set(values: A, offset: number): void
}

function concat<A extends Settable<A>>(target: A, parts: readonly A[]): A {
  let offset = 0
  for (const part of parts) {
    target.set(part, offset)
    offset += part.length
  }
  return target
}
