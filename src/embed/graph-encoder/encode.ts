import {
  abortError,
  createMatrix,
  createPace,
  type Matrix,
  normalizeInPlace,
  QontrastError,
  throwIfAborted,
} from '../../shared/index.ts'
import { checkEncodeOptions } from '../check-options.ts'
import type { EncodeOptions, Encoder } from '../encoder.ts'
import { checkInputs, type Input, type Modality, modalityOf } from '../input.ts'
import type { Processor } from '../processor.ts'
import type { BatchEntry, Batcher } from './batcher.ts'

/** The way of one modality through an encoder. */
export interface Lane<Item = unknown> {
  readonly processor: Processor<Item>
  readonly batcher: Batcher<Item>
}

export type Lanes = ReadonlyMap<Modality, Lane>

interface Prepared {
  readonly lane: Lane
  readonly item: unknown
}

/** Inputs of one call that are prepared and queued at a time, so that a call of any size holds little memory. */
const windowOf: Readonly<Record<Modality, number>> = { text: 1_024, image: 64, audio: 64 }

/** Inputs → items → batches → the first dimensions at unit length, each in its place. */
export function createEncode(lanes: Lanes, dimensions: number): Encoder['encode'] {
  const accepts = new Set(lanes.keys())

  return async (inputs: readonly Input[], options: EncodeOptions = {}): Promise<Matrix> => {
    checkInputs(inputs, accepts)
    checkEncodeOptions(options)
    const { purpose = 'document', signal, onProgress } = options
    const matrix = createMatrix(inputs.length, dimensions)
    const pace = createPace()
    let done = 0
    let inFlight: Promise<unknown> = Promise.resolve()

    const windowSize = Math.min(...[...new Set(inputs.map(modalityOf))].map((one) => (one ? windowOf[one] : 1)))
    for (let start = 0; start < inputs.length; start += windowSize) {
      const preparing: Promise<Prepared>[] = []
      for (const input of inputs.slice(start, start + windowSize)) {
        throwIfAborted(signal)
        const item = prepare(input)
        item.catch(() => {}) // it is awaited with the others, unless the call ends before
        preparing.push(item)
        await pace()
      }
      const prepared = await untilAborted(Promise.all(preparing), signal)
      await inFlight
      inFlight = submit(prepared, start)
      inFlight.catch(() => {}) // it is awaited after the next window was prepared
    }
    await inFlight
    return matrix

    async function prepare(input: Input): Promise<Prepared> {
      const lane = laneOf(input)
      if (!lane) throw new QontrastError('internal', 'an input without a lane')
      return { lane, item: await lane.processor.prepare(input, purpose) }
    }

    async function report(): Promise<void> {
      onProgress?.({ done, total: inputs.length })
    }

    /** Resolves once the vectors of one window are in the matrix. */
    function submit(prepared: readonly Prepared[], first: number): Promise<unknown> {
      let wanted = true
      const entries = new Map<Lane, BatchEntry<unknown>[]>()
      const placed = prepared.map(
        ({ lane, item }, i) =>
          new Promise<void>((resolve, reject) => {
            const own = entries.get(lane) ?? []
            entries.set(lane, own)
            own.push({
              item,
              cost: lane.processor.cost(item),
              wanted: () => wanted && !signal?.aborted,
              reject,
              resolve(vector) {
                matrix.row(first + i).set(normalizeInPlace(vector.slice(0, dimensions)))
                done += 1
                resolve(report())
              },
            })
          }),
      )
      for (const [{ batcher }, own] of entries) batcher.add(own, purpose)
      return untilAborted(Promise.all(placed), signal).finally(() => {
        wanted = false
      })
    }
  }

  function laneOf(input: Input): Lane | undefined {
    const modality = modalityOf(input)
    return modality && lanes.get(modality)
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
