import type { Encoder } from './encoder.ts'

/**
 * The same encoder with some of it replaced. Everything else is asked of the encoder itself, whose methods may need their `this`: an
 * encoder is never spread, and no method of it is taken off.
 */
export function delegateEncoder(encoder: Encoder, own: Partial<Encoder>): Encoder {
  const { name, dimensions, fingerprint, accepts, text, legacy, device, costAtOnce } = encoder
  return {
    name,
    dimensions,
    fingerprint,
    accepts,
    ...(text ? { text } : {}),
    ...(legacy ? { legacy } : {}),
    ...(device ? { device } : {}),
    ...(costAtOnce === undefined ? {} : { costAtOnce }),
    ...(encoder.cost ? { cost: (input) => encoder.cost?.(input) ?? 1 } : {}),
    ...(encoder.onBatch ? { onBatch: (listener) => encoder.onBatch?.(listener) } : {}),
    ...(encoder.onWorkerLost ? { onWorkerLost: (listener) => encoder.onWorkerLost?.(listener) } : {}),
    encode: (inputs, options) => encoder.encode(inputs, options),
    close: () => encoder.close(),
    [Symbol.asyncDispose]: () => encoder[Symbol.asyncDispose](),
    ...own,
  }
}
