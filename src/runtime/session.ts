import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { messageOf, QontrastError } from '../shared/index.ts'
import { loadRuntime } from './load-runtime.ts'
import { type ConcreteDevice, type Device, deviceCandidates, executionProvidersOf } from './providers.ts'

export interface SessionOptions {
  readonly device: Device
  /** Threads within one operator, on the CPU. */
  readonly threads: number
  /** Refuse a graph that would run in part on the CPU beside the device. */
  readonly strict?: boolean
  /** Plan memory once for each input shape; without, a graph of many values runs as fast in two thirds of the memory. */
  readonly planMemory?: boolean
  /** Keep the memory of a run for the next; without, it goes back to the system, which suits few runs over large matrices. */
  readonly keepMemory?: boolean
  /** Outputs that stay in the device's memory. */
  readonly stay?: ReadonlySet<string>
}

export interface OpenedSession {
  readonly session: InferenceSession
  readonly Tensor: typeof Tensor
  readonly device: ConcreteDevice
  /** Why a device before this one was passed over, in one line. */
  readonly fallback: string | undefined
}

/** Loads an ONNX file, or its bytes, on the first device that takes it: `device-unavailable`, or `model-invalid` where even the CPU refuses. */
export async function openSession(
  model: string | Uint8Array,
  { device, threads, strict = false, planMemory = true, keepMemory = true, stay }: SessionOptions,
): Promise<OpenedSession> {
  const modelName = typeof model === 'string' ? model : 'the graph'
  const { InferenceSession, listSupportedBackends, Tensor } = await loadRuntime()
  const backends = new Set(listSupportedBackends().map(({ name }) => name))
  const refusals: string[] = []
  for (const candidate of deviceCandidates(device)) {
    if (!backends.has(candidate)) {
      refusals.push(`ONNX Runtime has no ${candidate} on this platform, only ${[...backends].join(', ')}`)
      continue
    }
    try {
      const session = await createSession(InferenceSession, model, {
        executionProviders: [...executionProvidersOf(candidate)],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        enableMemPattern: planMemory,
        enableCpuMemArena: keepMemory,
        ...(stay && stay.size > 0 ? { preferredOutputLocation: locationsOf(stay) } : {}),
        ...(strict ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
      })
      const fallback = refusals.length > 0 ? `${refusals.join('; ')}; running on ${candidate}` : undefined
      return { session, Tensor, device: candidate, fallback }
    } catch (cause) {
      if (candidate === 'cpu') {
        throw new QontrastError('model-invalid', `ONNX Runtime cannot load ${modelName}: ${messageOf(cause)}`, {
          cause,
        })
      }
      refusals.push(`${candidate} is not usable (${messageOf(cause).split('\n', 1)[0]})`)
    }
  }
  throw new QontrastError(
    'device-unavailable',
    `Device '${device}' was asked for, but ${refusals.join('; ')}. Use device 'cpu' or 'auto', or install what this device needs.`,
  )
}

function createSession(
  { create }: typeof InferenceSession,
  model: string | Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return typeof model === 'string' ? create(model, options) : create(model, options)
}

function locationsOf(names: ReadonlySet<string>): Readonly<Record<string, 'gpu-buffer'>> {
  return Object.fromEntries([...names].map((name) => [name, 'gpu-buffer']))
}
