import { type ConcreteDevice, type Device, openSession, serveProcess } from '../../runtime/index.ts'
import { createInference } from './inference.ts'
import type { TokenBatch } from './layout.ts'
import type { InferencePlan } from './plan.ts'

/** What an inference process is told before its first batch. */
export interface WorkerSetup {
  readonly modelPath: string
  readonly device: Device
  readonly threads: number
  readonly plan: InferencePlan
  /** Run once to learn the dimensions and to have the session plan its memory. */
  readonly probe: TokenBatch
}

export interface WorkerReady {
  readonly dimensions: number
  readonly device: ConcreteDevice
  readonly fallback: string | undefined
}

serveProcess<WorkerSetup, TokenBatch, WorkerReady, Float32Array>({
  async setup({ modelPath, device, threads, plan, probe }) {
    const opened = await openSession(modelPath, { device, threads })
    const run = createInference(opened, plan)
    const dimensions = (await run(probe)).length
    return { ready: { dimensions, device: opened.device, fallback: opened.fallback }, run }
  },
})
