import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { isKind, messageOf, QontrastError } from '../shared/index.ts'
import { throughGate } from './native-gate.ts'
import type { ConcreteDevice } from './providers.ts'
import { type OpenedSession, openSession, type SessionOptions } from './session.ts'

/** A tensor in this process's memory, row-major. */
export type HostTensor =
  | { readonly dtype: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int64'; readonly dims: readonly number[]; readonly data: BigInt64Array }
  | { readonly dtype: 'int32'; readonly dims: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'bool'; readonly dims: readonly number[]; readonly data: Uint8Array }

export type HostTensors = Readonly<Record<string, HostTensor>>

/** A tensor in the device's memory: given by one run, taken by a later one, freed by `dispose`. */
export interface ResidentTensor {
  readonly tensor: Tensor
  dispose(): void
}

export type ResidentTensors = Readonly<Record<string, ResidentTensor>>

/** A graph that is ready to run. Runs on the calling thread; rejects with `model-invalid` and ONNX Runtime's reason. */
export interface Runner {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** The device that took the graph. */
  readonly device: ConcreteDevice
  run(feeds: HostTensors): Promise<HostTensors>
  release(): Promise<void>
}

/** A graph some of whose outputs stay on the device. */
export interface ResidentRunner {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** The device that took the graph. */
  readonly device: ConcreteDevice
  run(
    feeds: HostTensors,
    resident: ResidentTensors,
  ): Promise<{ readonly host: HostTensors; readonly resident: ResidentTensors }>
  release(): Promise<void>
}

/** Rows looked up by a Range become a Slice, and the Range goes, though a gradient may read it too: the run then ends the process (onnxruntime-node 1.30). */
const deadlyRewrites = ['GatherToSliceFusion']

/** Loads a graph: a file, or its bytes. */
export async function createRunner(model: string | Uint8Array, options: SessionOptions): Promise<Runner> {
  const runner = await createResidentRunner(model, { ...options, stay: new Set() })
  return { ...runner, run: async (feeds) => (await runner.run(feeds, {})).host }
}

/**
 * Loads a graph and keeps the outputs named in `stay` in the device's memory, where the device and its binding can (WebGPU); elsewhere they
 * come to the host and go back, which is slower and gives the same.
 */
export async function createResidentRunner(
  model: string | Uint8Array,
  { stay, ...options }: SessionOptions & { readonly stay: ReadonlySet<string> },
): Promise<ResidentRunner> {
  const locations = options.device === 'webgpu' ? stay : new Set<string>()
  const {
    session,
    device,
    Tensor: TensorClass,
  } = await openSession(model, {
    ...options,
    stay: locations,
    withoutRewrites: deadlyRewrites,
  })
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    device,
    async run(feeds, there) {
      const inputs = session.inputNames.map((name) => [name, there[name]?.tensor ?? toTensor(TensorClass, name, feeds)])
      const results = await runSession(session, Object.fromEntries(inputs))
      const named = session.outputNames.flatMap((name) => (results[name] ? [[name, results[name]] as const] : []))
      const host = named.filter(([name]) => !stay.has(name)).map(([name, tensor]) => [name, toHost(name, tensor)])
      const resident = named
        .filter(([name]) => stay.has(name))
        .map(([name, tensor]) => [name, { tensor, dispose: () => tensor.dispose() }])
      return { host: Object.fromEntries(host), resident: Object.fromEntries(resident) }
    },
    release: () => throughGate(() => session.release()),
  }
}

async function runSession(session: InferenceSession, inputs: Record<string, Tensor>) {
  try {
    return await throughGate(() => session.run(inputs))
  } catch (cause) {
    throw new QontrastError('model-invalid', `The graph failed: ${messageOf(cause)}`, { cause })
  }
}

function toTensor(TensorClass: OpenedSession['Tensor'], name: string, feeds: HostTensors): Tensor {
  const value = feeds[name]
  if (!value) throw new QontrastError('internal', `the graph's input '${name}' is missing`)
  return new TensorClass(value.dtype, value.data, value.dims)
}

function toHost(name: string, { dims, data, type }: Tensor): HostTensor {
  if (type === 'float32' && isKind(data, 'Float32Array')) return { dtype: type, dims, data }
  if (type === 'int64' && isKind(data, 'BigInt64Array')) return { dtype: type, dims, data }
  if (type === 'int32' && isKind(data, 'Int32Array')) return { dtype: type, dims, data }
  if (type === 'bool' && isKind(data, 'Uint8Array')) return { dtype: type, dims, data }
  throw new QontrastError('internal', `the graph gave '${name}' as ${type}`)
}
