import type { Tensor } from 'onnxruntime-node'
import { messageOf, QontrastError } from '../shared/index.ts'
import { type OpenedSession, openSession, type SessionOptions } from './session.ts'

/** A tensor in this process's memory, row-major. */
export type HostTensor =
  | { readonly dtype: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'int64'; readonly dims: readonly number[]; readonly data: BigInt64Array }
  | { readonly dtype: 'int32'; readonly dims: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'bool'; readonly dims: readonly number[]; readonly data: Uint8Array }

export type HostTensors = Readonly<Record<string, HostTensor>>

/** A graph that is ready to run. Runs on the calling thread. */
export interface Runner {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Gives all outputs; those in `into` are written there, without a copy. Rejects with `model-invalid` and ONNX Runtime's reason. */
  run(feeds: HostTensors, into?: HostTensors): Promise<Record<string, HostTensor>>
  release(): Promise<void>
}

/** Loads a graph: a file, or its bytes. */
export async function createRunner(model: string | Uint8Array, options: SessionOptions): Promise<Runner> {
  const { session, Tensor: TensorClass } = await openSession(model, options)
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, into = {}) {
      const inputs = Object.fromEntries(
        session.inputNames.map((name) => {
          const value = feeds[name]
          if (!value) throw new QontrastError('internal', `the graph's input '${name}' is missing`)
          return [name, toTensor(TensorClass, value)]
        }),
      )
      const fetches = Object.fromEntries(
        session.outputNames.map((name) => {
          const place = into[name]
          return [name, place ? toTensor(TensorClass, place) : null]
        }),
      )
      try {
        const results = await session.run(inputs, fetches)
        return Object.fromEntries(session.outputNames.map((name) => [name, into[name] ?? toHost(name, results[name])]))
      } catch (cause) {
        throw new QontrastError('model-invalid', `The graph failed: ${messageOf(cause)}`, { cause })
      }
    },
    release: () => session.release(),
  }
}

export function toTensor(TensorClass: OpenedSession['Tensor'], { dtype, dims, data }: HostTensor): Tensor {
  return new TensorClass(dtype, data, dims)
}

export function toHost(name: string, tensor: Tensor | undefined): HostTensor {
  const { dims, data, type } = tensor ?? {}
  if (dims && type === 'float32' && data instanceof Float32Array) return { dtype: type, dims, data }
  if (dims && type === 'int64' && data instanceof BigInt64Array) return { dtype: type, dims, data }
  if (dims && type === 'int32' && data instanceof Int32Array) return { dtype: type, dims, data }
  if (dims && type === 'bool' && data instanceof Uint8Array) return { dtype: type, dims, data }
  throw new QontrastError('internal', `the graph gave '${name}' as ${type}`)
}
