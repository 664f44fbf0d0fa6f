import { type ConcreteDevice, type HostTensors, openSession, serveProcess } from '../../runtime/index.ts'
import { createInference, type Infer, type InferencePlan } from './inference.ts'
import { partOf } from './part-of.ts'

/** What an inference process is told before its first batch. */
export interface WorkerSetup {
  readonly modelPath: string
  /** Only what the plan's output needs is loaded: the model has other inputs, which it is not given. */
  readonly inPart?: boolean
  /** Tried in order. */
  readonly device: readonly ConcreteDevice[]
  readonly threads: number
  readonly plan: InferencePlan
  /**
   * Feeds of one item, run first: to see that the device takes the model, to learn the dimensions and to have the session plan its memory.
   */
  readonly sample: HostTensors
}

export interface WorkerReady {
  readonly dimensions: number
  /** The device that took the model. */
  readonly device: ConcreteDevice
  readonly fallback: string | undefined
}

serveProcess<WorkerSetup, HostTensors, WorkerReady, Float32Array>({
  async setup({ modelPath, inPart = false, device, threads, plan, sample }) {
    const tried: Infer[] = []
    const model = inPart ? await partOf(modelPath, plan.output) : modelPath
    const opened = await openSession(model, {
      device,
      threads,
      probe: async (loaded) => tried.push(await createInference(loaded, plan, sample)),
    })
    const run = tried.at(-1) ?? (await createInference(opened, plan, sample))
    const dimensions = (await run(sample)).length
    return { ready: { dimensions, device: opened.device, fallback: opened.fallback }, run }
  },
})
