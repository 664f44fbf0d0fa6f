import { checkEncoder, delegateEncoder, type EncodeOptions, type Encoder, type Input } from '../embed/index.ts'
import { currentWork, type Matrix } from '../shared/index.ts'
import { firstOf } from './first-of.ts'
import type { Limits } from './limits.ts'
import { measureInputs } from './measure-inputs.ts'
import type { Metrics } from './metrics.ts'
import { createModelQueue, type ModelQueue, type WorkKind } from './model-queue.ts'
import { encodeInPieces, pieceCost } from './pieces.ts'
import { timed } from './timings.ts'

export interface ServedEncoder extends Encoder {
  readonly queue: ModelQueue
  /** Vectors `[inputs, dimensions]` and what they cost, tokens for texts; `overloaded` where the queue is full, `invalid-input` for an empty or too long text. */
  embed(inputs: readonly Input[], options?: EncodeOptions): Promise<{ vectors: Matrix; cost: number }>
}

interface Call {
  readonly kind: WorkKind
  /** Waits instead of being refused. */
  readonly patient: boolean
  readonly options: EncodeOptions
}

/** The same encoder behind a queue of its own: searches go first, calls go in pieces, and inputs to embed are refused while their key's share is full; documents wait. */
export function serveEncoder(
  model: string,
  encoder: Encoder,
  { limits, metrics }: { limits: Limits; metrics: Metrics },
): ServedEncoder {
  checkEncoder(encoder, 'createApp')
  const { costAtOnce } = encoder
  const atOnce = costAtOnce === undefined ? pieceCost : 2 * costAtOnce // what is read, and what is read next
  const queue = createModelQueue({
    model,
    limit: limits.queuedCost,
    atOnce,
    onRefusal: (work) => metrics.refusals.inc({ model, work }),
  })
  encoder.onBatch?.(({ inputs }) => metrics.batchInputs.observe(inputs))
  const lanes = Math.ceil(atOnce / pieceCost)
  const onPiece = (inputs: number) => {
    if (!encoder.onBatch) metrics.batchInputs.observe(inputs)
  }

  const run = (inputs: readonly Input[], { kind, patient, options }: Call) =>
    timed('encode', async () => {
      const { owner, signal: wanted } = currentWork()
      const signal = firstOf(options.signal, wanted)
      const costs = await measureInputs(inputs, { encoder, limits, signal })
      const cost = costs.reduce((sum, one) => sum + one, 0)
      const place = patient ? queue[kind].stayOutside(owner) : queue[kind].letIn(cost, owner)
      try {
        const pieces = { ...options, costs, place, signal, lanes, onPiece }
        return { vectors: await encodeInPieces(encoder, inputs, pieces), cost }
      } finally {
        place.leave()
      }
    })

  const queued = delegateEncoder(encoder, {
    async encode(inputs, options = {}) {
      const isSearch = options.purpose === 'query'
      return (await run(inputs, { kind: isSearch ? 'search' : 'bulk', patient: !isSearch, options })).vectors
    },
  })
  return {
    ...queued,
    queue,
    embed: (inputs, options = {}) => run(inputs, { kind: 'bulk', patient: false, options }),
  }
}
