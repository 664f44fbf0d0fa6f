import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { messageOf, QontrastError } from '../shared/index.ts'
import { loadRuntime } from './load-runtime.ts'
import { throughGate } from './native-gate.ts'
import { type Placement, readPlacement } from './placement.ts'
import { type ConcreteDevice, type Device, deviceCandidates, executionProvidersOf } from './providers.ts'

export interface SessionOptions {
  /** A list is tried in its order. */
  readonly device: Device | readonly ConcreteDevice[]
  /** Threads within one operator, on the CPU. */
  readonly threads: number
  /** Refuse a graph that would run in part on the CPU beside the device. */
  readonly strict?: boolean
  /** Plan memory once for each input shape; without, a graph of many values runs as fast in two thirds of the memory. */
  readonly planMemory?: boolean
  /** Keep the memory of a run for the next; without, it goes back to the system, which suits few runs over large matrices. */
  readonly keepMemory?: boolean
  /** ONNX Runtime's names of rewrites that it leaves out. */
  readonly withoutRewrites?: readonly string[]
  /** Outputs that stay in the device's memory. */
  readonly stay?: ReadonlySet<string>
  /** Runs the session once, on devices other than the CPU: one that fails, or takes no operator, is passed over. */
  readonly probe?: (opened: LoadedSession) => Promise<unknown>
}

export interface LoadedSession {
  readonly session: InferenceSession
  readonly Tensor: typeof Tensor
}

export interface OpenedSession extends LoadedSession {
  /** The device that took the graph. */
  readonly device: ConcreteDevice
  /** Why a device before this one was passed over, in one line. */
  readonly fallback: string | undefined
}

/** Loads an ONNX file, or its bytes, on the first device that takes it: `device-unavailable`, or `model-invalid` where even the CPU refuses. */
export async function openSession(
  model: string | Uint8Array,
  { device: asked, ...options }: SessionOptions,
): Promise<OpenedSession> {
  const { InferenceSession, listSupportedBackends, Tensor } = await loadRuntime()
  const backends = new Set(listSupportedBackends().map(({ name }) => name))
  const refusals: string[] = []
  for (const device of typeof asked === 'string' ? deviceCandidates(asked) : asked) {
    if (!backends.has(device)) {
      refusals.push(`ONNX Runtime has no ${device} on this platform, only ${[...backends].join(', ')}`)
      continue
    }
    try {
      const session = await openOn(device, { model, options, InferenceSession, Tensor })
      const fallback = refusals.length > 0 ? `${refusals.join('; ')}; running on ${device}` : undefined
      return { session, Tensor, device, fallback }
    } catch (cause) {
      if (device === 'cpu') {
        const modelName = typeof model === 'string' ? model : 'the graph'
        throw new QontrastError('model-invalid', `ONNX Runtime cannot load ${modelName}: ${messageOf(cause)}`, {
          cause,
        })
      }
      refusals.push(`${device} is not usable (${messageOf(cause).split('\n', 1)[0]})`)
    }
  }
  throw new QontrastError(
    'device-unavailable',
    `Device '${typeof asked === 'string' ? asked : asked.join(', ')}' cannot be used: ${refusals.join('; ')}. Use device 'cpu' or 'auto', or install what this device needs.`,
  )
}

interface Opening extends Pick<OpenedSession, 'Tensor'> {
  readonly model: string | Uint8Array
  readonly options: Omit<SessionOptions, 'device'>
  readonly InferenceSession: typeof InferenceSession
}

/** Throws where the device does not load the graph, or its probe says that it does not run it. */
async function openOn(device: ConcreteDevice, opening: Opening): Promise<InferenceSession> {
  const { model, options, InferenceSession, Tensor } = opening
  const { probe } = options
  if (!probe || device === 'cpu') return createSession(InferenceSession, model, settingsOf(device, options))
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-profile-'))
  try {
    const profile = { enableProfiling: true, profileFilePrefix: path.join(folder, 'profile') }
    const session = await createSession(InferenceSession, model, { ...settingsOf(device, options), ...profile })
    try {
      await probe({ session, Tensor })
      session.endProfiling()
      checkPlacement(device, await readPlacement(folder, device))
      return session
    } catch (cause) {
      await session.release()
      throw cause
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function checkPlacement(device: ConcreteDevice, { onDevice, onCpu }: Placement): void {
  if (onDevice > 0) return
  throw new QontrastError('device-unavailable', `all ${onCpu} operators would run on the CPU, none on ${device}`)
}

function settingsOf(
  device: ConcreteDevice,
  { threads, strict = false, planMemory = true, keepMemory = true, stay, withoutRewrites = [] }: Opening['options'],
): InferenceSession.SessionOptions {
  return {
    executionProviders: [...executionProvidersOf(device)],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    enableMemPattern: planMemory,
    enableCpuMemArena: keepMemory,
    ...(stay && stay.size > 0 ? { preferredOutputLocation: locationsOf(stay) } : {}),
    extra: {
      session: strict ? { disable_cpu_ep_fallback: '1' } : {},
      optimization: withoutRewrites.length > 0 ? { disable_specified_optimizers: withoutRewrites.join(';') } : {},
    },
  }
}

function createSession(
  { create }: typeof InferenceSession,
  model: string | Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return throughGate(() => (typeof model === 'string' ? create(model, options) : create(model, options)))
}

function locationsOf(names: ReadonlySet<string>): Readonly<Record<string, 'gpu-buffer'>> {
  return Object.fromEntries([...names].map((name) => [name, 'gpu-buffer']))
}
