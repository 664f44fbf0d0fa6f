import type { ValueName } from '../../../graph/index.ts'
import { createRunner, type HostTensor, type HostTensors } from '../../../runtime/index.ts'
import { QontrastError } from '../../../shared/index.ts'
import type { Batch } from '../../data/batch.ts'
import { int64 } from '../../tensors.ts'
import { formOf } from '../feeds.ts'
import type { Form } from '../graphs/forward.ts'
import { tapeOf } from '../graphs/names.ts'
import type { LoopGraph } from '../graphs/repeat.ts'
import { takeValues } from '../state.ts'
import { floatsOf } from './gradients.ts'
import { keep } from './kept.ts'
import { type StepResult, type StepSettings, stateFeeds, stepFeeds, type WayOptions } from './way.ts'

export interface RepeatedStep {
  readonly batch: Batch
  readonly settings: StepSettings
}

/** Steps that are taken several at a time; between them the state stays in the device's memory, after them it is in this process. */
export interface RepeatedWay {
  /** All of one form. */
  steps(steps: readonly RepeatedStep[]): Promise<StepResult[]>
  close(): Promise<void>
}

export function createRepeatedWay({ facts, graphs, state, device, threads }: WayOptions): RepeatedWay {
  const sessions = keep(async (form: Form) => {
    const { bytes, ...graph } = await graphs.repeat(form)
    return { graph, runner: await createRunner(bytes, { device, threads, planMemory: false }) }
  })

  return {
    async steps(steps) {
      const [first] = steps
      if (!first) return []
      const { graph, runner } = await sessions.get(formOf(first.batch))
      const feeds = steps.map(({ batch, settings }) => stepFeeds(facts, batch, settings))
      const count: HostTensor = { dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(steps.length)) }
      const results = await runner.run({ ...stateFeeds(state), ...tapes(graph, feeds), [graph.count]: count })
      takeValues(state, (value) => results[graph.next.get(value) ?? ''])
      state.step = steps.at(-1)?.settings.step ?? state.step
      const [losses, norms] = [floatsOf(results, graph.losses), floatsOf(results, graph.norms)]
      const metrics = [...graph.metrics].map(([name, output]) => [name, floatsOf(results, output)] as const)
      return steps.map((_, i) => ({
        loss: losses[i] ?? Number.NaN,
        norm: norms[i] ?? Number.NaN,
        metrics: Object.fromEntries(metrics.map(([name, values]) => [name, values[i] ?? Number.NaN])),
      }))
    },
    close: () => sessions.close(),
  }
}

/** The inputs of all steps as tapes. */
function tapes({ taped }: Pick<LoopGraph, 'taped'>, steps: readonly HostTensors[]): HostTensors {
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
