import type { ConcreteDevice, Device } from '../../runtime/index.ts'
import {
  abortError,
  createMatrix,
  createPace,
  type Matrix,
  normalizeInPlace,
  QontrastError,
  throwIfAborted,
} from '../../shared/index.ts'
import { checkEncodeOptions, checkTexts } from '../check-texts.ts'
import type { EncodeOptions, Encoder } from '../encoder.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { legacyTransformer } from '../legacy-0.1.ts'
import type { ModelFolder } from '../model-folder.ts'
import type { Tokenizer } from '../tokenizer.ts'
import { type BatchItem, createBatcher } from './batcher.ts'
import type { Layer } from './layers.ts'
import type { TokenBatch } from './layout.ts'
import type { Dtype } from './model-file.ts'
import { openInferencePool } from './open-pool.ts'
import type { InferencePlan, TransformerPlan } from './plan.ts'
import { readTransformer } from './read-transformer.ts'

export interface TransformerOptions {
  readonly name: string
  readonly device: Device | readonly ConcreteDevice[]
  readonly dtype: Dtype
  readonly workers: number | undefined
  /** Matryoshka cut: the first dimensions, at unit length again. */
  readonly dimensions: number | undefined
  /** Name of the model's output that vectors are taken from. */
  readonly output: string | undefined
  readonly cacheDir: string
  readonly onWarning: (message: string) => void
}

/** Tokens of one batch, padding included: the fastest on CPU (docs/architecture.md has the figures). */
const tokenBudget = 2_048
/** Texts of one call that are tokenized and queued at a time, so that a call of any size holds little memory. */
const windowSize = 1_024

/** Opens a transformer from its folder; the model itself runs in child processes. */
export async function loadTransformerEncoder(folder: ModelFolder, options: TransformerOptions): Promise<Encoder> {
  const files = await readTransformer(folder, options)
  const { model, tokenizer, layers, prompts } = files
  const pool = await openInferencePool({
    modelPath: model.path,
    device: options.device,
    workers: options.workers,
    plan: inferencePlanOf(files.plan, layers),
    probe: probeOf(tokenizer),
    onFallback: options.onWarning,
  })

  const dimensions = options.dimensions ?? pool.ready.dimensions
  if (!(Number.isInteger(dimensions) && dimensions > 0 && dimensions <= pool.ready.dimensions)) {
    await pool.close()
    throw new QontrastError(
      'invalid-option',
      `dimensions must be a whole number from 1 to ${pool.ready.dimensions}, this model's own; got ${options.dimensions}.`,
    )
  }
  const plan: TransformerPlan = { ...files.plan, dimensions }
  const { cacheDir } = options
  const fingerprint = await fingerprintOf(folder, { plan, cacheDir })
  const legacy = await legacyTransformer(files, { dimensions, cacheDir })

  const batcher = createBatcher(pool, { tokenBudget })
  const close = () => {
    batcher.close()
    return pool.close()
  }

  return {
    name: options.name,
    dimensions,
    modalities: ['text'],
    fingerprint,
    legacy,
    maximumTokens: tokenizer.maximumTokens - tokenizer.specialTokens - prompts.document.tokens,
    countTokens: (text) => tokenizer.ids(text).length,
    device: pool.ready.device,
    tokensAtOnce: tokenBudget * pool.size,
    onBatch: batcher.onBatch,
    onWorkerLost: pool.onLoss,
    encode,
    close,
    [Symbol.asyncDispose]: close,
  }

  async function encode(texts: readonly string[], options: EncodeOptions = {}): Promise<Matrix> {
    checkTexts(texts)
    checkEncodeOptions(options)
    const { purpose = 'document', signal, onProgress } = options
    const matrix = createMatrix(texts.length, dimensions)
    const pace = createPace()
    let done = 0
    let inFlight: Promise<unknown> = Promise.resolve()

    for (let start = 0; start < texts.length; start += windowSize) {
      const tokenized: number[][] = []
      for (const text of texts.slice(start, start + windowSize)) {
        throwIfAborted(signal)
        tokenized.push(tokenizer.encode(prompts[purpose].prompt + text))
        await pace()
      }
      await inFlight
      inFlight = submit(tokenized, start)
      inFlight.catch(() => {}) // it is awaited after the next window was tokenized
    }
    await inFlight
    return matrix

    async function report(): Promise<void> {
      onProgress?.({ done, total: texts.length })
    }

    /** Resolves once the vectors of one window are in the matrix. */
    function submit(tokenized: readonly number[][], first: number): Promise<unknown> {
      let wanted = true
      const items: BatchItem[] = []
      const placed = tokenized.map(
        (ids, i) =>
          new Promise<void>((resolve, reject) => {
            items.push({
              ids,
              skip: prompts[purpose].skip,
              wanted: () => wanted && !signal?.aborted,
              reject,
              resolve(vector) {
                matrix.row(first + i).set(cut(vector, dimensions))
                done += 1
                resolve(report())
              },
            })
          }),
      )
      batcher.add(items, purpose)
      return untilAborted(Promise.all(placed), signal).finally(() => {
        wanted = false
      })
    }
  }
}

function inferencePlanOf({ tokenizer, output, pooling }: TransformerPlan, layers: readonly Layer[]): InferencePlan {
  const { padId, padSide } = tokenizer
  return { padId, padSide, output, pooling, layers }
}

function probeOf(tokenizer: Tokenizer): TokenBatch {
  const ids = Int32Array.from(tokenizer.encode('a'))
  return { ids, lengths: Int32Array.of(ids.length), skips: Int32Array.of(0) }
}

/** The first dimensions at unit length. */
function cut(vector: Float32Array, dimensions: number): Float32Array {
  if (vector.length === dimensions) return vector
  return normalizeInPlace(vector.slice(0, dimensions))
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
