import type { Tensor } from 'onnxruntime-node'
import { messageOf, QontrastError } from '../shared/index.ts'
import type { HostTensor, HostTensors } from './runner.ts'
import { toHost, toTensor } from './runner.ts'
import { openSession, type SessionOptions } from './session.ts'

/** A tensor in the device's memory: given by one run, taken by a later one, freed by `dispose`. */
export interface ResidentTensor {
  readonly tensor: Tensor
  dispose(): void
}

export interface ResidentResults {
  readonly host: Readonly<Record<string, HostTensor>>
  readonly resident: Readonly<Record<string, ResidentTensor>>
}

/** A graph some of whose outputs stay on the device. */
export interface ResidentRunner {
  run(feeds: HostTensors, resident: Readonly<Record<string, ResidentTensor>>): Promise<ResidentResults>
  release(): Promise<void>
}

/**
 * Loads a graph and keeps the outputs named in `stay` in the device's memory, where the device and its binding can (WebGPU); elsewhere they
 * come to the host and go back, which is slower and gives the same.
 */
export async function createResidentRunner(
  model: Uint8Array,
  { stay, ...options }: SessionOptions & { readonly stay: ReadonlySet<string> },
): Promise<ResidentRunner> {
  const locations = options.device === 'webgpu' ? stay : new Set<string>()
  const { session, Tensor: TensorClass } = await openSession(model, { ...options, stay: locations })
  return {
    async run(feeds, resident) {
      const inputs = Object.fromEntries(
        session.inputNames.map((name): [string, Tensor] => {
          const there = resident[name]
          if (there) return [name, there.tensor]
          const value = feeds[name]
          if (!value) throw new QontrastError('internal', `the graph's input '${name}' is missing`)
          return [name, toTensor(TensorClass, value)]
        }),
      )
      try {
        const results = await session.run(inputs)
        const named = session.outputNames.flatMap((name) => (results[name] ? [[name, results[name]] as const] : []))
        return {
          host: Object.fromEntries(
            named.filter(([name]) => !stay.has(name)).map(([name, tensor]) => [name, toHost(name, tensor)]),
          ),
          resident: Object.fromEntries(
            named
              .filter(([name]) => stay.has(name))
              .map(([name, tensor]) => [name, { tensor, dispose: () => tensor.dispose() }]),
          ),
        }
      } catch (cause) {
        throw new QontrastError('model-invalid', `The graph failed: ${messageOf(cause)}`, { cause })
      }
    },
    release: () => session.release(),
  }
}
