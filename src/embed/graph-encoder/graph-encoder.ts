import { type JsonObject, QontrastError } from '../../shared/index.ts'
import type { Encoder, LegacyEncoder, TextReading } from '../encoder.ts'
import { fingerprintOf } from '../fingerprint.ts'
import type { Modality } from '../input.ts'
import type { ModelFolder } from '../model-folder.ts'
import { createEncode } from './encode.ts'
import type { OpenLane } from './open-lane.ts'

export interface GraphEncoderOptions {
  readonly name: string
  readonly folder: ModelFolder
  /** Matryoshka cut: the first dimensions, at unit length again. */
  readonly dimensions: number | undefined
  readonly cacheDir: string
  /** Every fact that changes a document's vector of so many dimensions, as plain data: the fingerprint is made of it. */
  factsOf(dimensions: number): JsonObject
  readonly text?: TextReading
  legacyOf?(dimensions: number): Promise<LegacyEncoder>
}

/**
 * An encoder of models that run in child processes: one a modality, all with vectors of the same space. Closes the lanes where it cannot be
 * opened.
 */
export async function openGraphEncoder(lanes: readonly OpenLane[], options: GraphEncoderOptions): Promise<Encoder> {
  const close = async () => {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
  try {
    return await bind(lanes, close, options)
  } catch (error) {
    await close()
    throw error
  }
}

async function bind(
  lanes: readonly OpenLane[],
  close: () => Promise<void>,
  { name, folder, cacheDir, factsOf, text, legacyOf, ...options }: GraphEncoderOptions,
): Promise<Encoder> {
  const dimensions = checkDimensions(options.dimensions, lanes)
  const fingerprint = await fingerprintOf(folder, { facts: factsOf(dimensions), cacheDir })
  const legacy = await legacyOf?.(dimensions)
  const device = lanes[0]?.pool.ready.device
  const ways = new Map<Modality, OpenLane>(lanes.map((lane) => [lane.processor.modality, lane]))
  return {
    name,
    dimensions,
    fingerprint,
    accepts: new Set(ways.keys()),
    ...(text ? { text } : {}),
    ...(legacy ? { legacy } : {}),
    ...(device ? { device } : {}),
    costAtOnce: Math.max(...lanes.map(({ costAtOnce }) => costAtOnce)),
    onBatch(listener) {
      for (const { batcher } of lanes) batcher.onBatch(listener)
    },
    onWorkerLost(listener) {
      for (const { pool } of lanes) pool.onLoss(listener)
    },
    encode: createEncode(ways, dimensions),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function checkDimensions(asked: number | undefined, lanes: readonly OpenLane[]): number {
  const [own = 0, ...others] = lanes.map(({ pool }) => pool.ready.dimensions)
  if (others.some((other) => other !== own)) {
    const sizes = lanes.map(({ processor, pool }) => `${processor.modality} ${pool.ready.dimensions}`)
    throw new QontrastError('model-invalid', `The model's towers give vectors of different sizes: ${sizes.join(', ')}.`)
  }
  const dimensions = asked ?? own
  if (Number.isInteger(dimensions) && dimensions > 0 && dimensions <= own) return dimensions
  throw new QontrastError(
    'invalid-option',
    `dimensions must be a whole number from 1 to ${own}, this model's own; got ${asked}.`,
  )
}
