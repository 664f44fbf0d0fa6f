import { type ConcreteDevice, openSession, serveProcess } from '../../runtime/index.ts'
import { createInference } from './inference.ts'
import type { TokenBatch } from './layout.ts'
import type { InferencePlan } from './plan.ts'

/** What an inference process is told before its first batch. */
export interface WorkerSetup {
  readonly modelPath: string
  /** Tried in order. */
  readonly device: readonly ConcreteDevice[]
  readonly threads: number
  readonly plan: InferencePlan
  /** Run first, to see that the device takes the model, to learn the dimensions and to have the session plan its memory. */
  readonly probe: TokenBatch
}

export interface WorkerReady {
  readonly dimensions: number
  /** The device that took the model. */
  readonly device: ConcreteDevice
  readonly fallback: string | undefined
}

serveProcess<WorkerSetup, TokenBatch, WorkerReady, Float32Array>({
  async setup({ modelPath, device, threads, plan, probe }) {
    const opened = await openSession(modelPath, {
      device,
      threads,
      probe: (loaded) => createInference(loaded, plan)(probe),
    })
    const run = createInference(opened, plan)
    const dimensions = (await run(probe)).length
    return { ready: { dimensions, device: opened.device, fallback: opened.fallback }, run }
  },
})
