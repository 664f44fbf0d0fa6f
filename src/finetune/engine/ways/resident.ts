import { createBuilder, serializeModel, type ValueName } from '../../../graph/index.ts'
import { createResidentRunner, type HostTensors, type ResidentTensors } from '../../../runtime/index.ts'
import type { Batch } from '../../data/batch.ts'
import { formOf } from '../feeds.ts'
import type { Form } from '../graphs/forward.ts'
import { type TrainState, takeValues, valuesOf } from '../state.ts'
import { scalarOf } from './gradients.ts'
import { keep } from './kept.ts'
import { type StepResult, type StepSettings, stateFeeds, stepFeeds, type WayOptions } from './way.ts'

/** Steps whose state stays in the device's memory, where its binding gives outputs there (WebGPU). */
export interface ResidentWay {
  step(batch: Batch, settings: StepSettings): Promise<StepResult>
  /** Brings the state into this process, for checkpoints, measuring, export and steps on the host; the next step takes it from there. */
  download(): Promise<void>
  close(): Promise<void>
}

export function createResidentWay(options: WayOptions): ResidentWay {
  const { facts, graphs, state, device, threads } = options
  let there: ResidentTensors = {}

  const sessions = keep(async (form: Form) => {
    const { bytes, ...graph } = await graphs.update(form)
    const session = { device, threads, stay: new Set(graph.next.values()), planMemory: false }
    return { graph, runner: await createResidentRunner(bytes, session) }
  })

  function free(): void {
    for (const tensor of Object.values(there)) tensor.dispose()
    there = {}
  }

  return {
    async step(batch, settings) {
      const { graph, runner } = await sessions.get(formOf(batch))
      const feeds = { ...stateFeeds(state), ...stepFeeds(facts, batch, settings) } // what is on the device comes before
      const { host, resident } = await runner.run(feeds, there)
      const before = there
      const next = [...graph.next].flatMap(([name, output]) =>
        resident[output] ? [[name, resident[output]] as const] : [],
      )
      there = { ...before, ...Object.fromEntries(next) }
      for (const [name] of next) before[name]?.dispose()
      state.step = settings.step
      const metrics = [...graph.metrics].map(([name, output]) => [name, scalarOf(host, output)] as const)
      return {
        loss: scalarOf(host, graph.loss),
        norm: scalarOf(host, graph.norm),
        metrics: Object.fromEntries(metrics),
      }
    },

    async download() {
      if (Object.keys(there).length === 0) return
      const values = await copyToHost(there, state, { device, threads })
      takeValues(state, (name) => values[name])
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
  there: ResidentTensors,
  state: TrainState,
  { device, threads }: Pick<WayOptions, 'device' | 'threads'>,
): Promise<HostTensors> {
  const g = createBuilder()
  const copies = new Map<ValueName, ValueName>()
  for (const [name, { dtype, dims }] of valuesOf(state)) {
    if (!there[name]) continue
    copies.set(name, g.op('Identity', [g.input(name, { dtype, dims })]))
  }
  for (const name of copies.values()) g.output(name)
  const model = { graph: g.build('copy'), irVersion: 9, opsets: new Map([['', 20]]), functions: [] }
  const runner = await createResidentRunner(serializeModel(model), { device, threads, stay: new Set() })
  try {
    const { host } = await runner.run({}, there)
    return Object.fromEntries([...copies].flatMap(([value, copy]) => (host[copy] ? [[value, host[copy]]] : [])))
  } finally {
    await runner.release()
  }
}
