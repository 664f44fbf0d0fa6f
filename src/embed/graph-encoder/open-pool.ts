import { availableParallelism } from 'node:os'
import {
  type ConcreteDevice,
  createProcessPool,
  type Device,
  deviceCandidates,
  type HostTensors,
  type ProcessPool,
} from '../../runtime/index.ts'
import type { WorkerReady, WorkerSetup } from './worker.ts'
import { workerEntry } from './worker-entry.ts'

export type InferencePool = ProcessPool<HostTensors, Float32Array, WorkerReady>

export interface InferencePoolOptions extends Omit<WorkerSetup, 'device' | 'threads'> {
  readonly device: Device | readonly ConcreteDevice[]
  /** Defaults to what suits the device that takes the model. */
  readonly workers: number | undefined
  /** Told once of each reason for which a process does not run on the first of the devices. */
  readonly onFallback: (reason: string) => void
}

/** Starts inference processes. Which device takes the model, and so how many processes suit it, is known once one of them has opened it. */
export async function openInferencePool(options: InferencePoolOptions): Promise<InferencePool> {
  const { device, workers, onFallback, ...model } = options
  const told = new Set<string>()
  const candidates = typeof device === 'string' ? deviceCandidates(device) : device
  const [only, ...others] = candidates
  if (workers !== undefined) return start(candidates, workers)
  if (only !== undefined && others.length === 0) return start(candidates, workersOn(only))
  const first = await start(candidates, 1)
  const suits = workersOn(first.ready.device)
  if (suits === first.size) return first
  await first.close()
  return start([first.ready.device], suits)

  function start(device: readonly ConcreteDevice[], size: number): Promise<InferencePool> {
    const threads = Math.max(1, Math.floor(availableParallelism() / size))
    return createProcessPool<WorkerSetup, HostTensors, Float32Array, WorkerReady>({
      entry: workerEntry(),
      size,
      setup: { ...model, device, threads },
      onReady({ fallback }) {
        if (fallback === undefined || told.has(fallback)) return
        told.add(fallback)
        onFallback(fallback)
      },
    })
  }
}

/** A device is used by one process; on the CPU the matrices of a small model keep about four threads busy. */
function workersOn(device: ConcreteDevice): number {
  return device === 'cpu' ? Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4))) : 1
}
