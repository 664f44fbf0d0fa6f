import type { ConcreteDevice } from '../runtime/index.ts'
import { type Matrix, type OnProgress, type OptionKeys, QontrastError, type SearchMode } from '../shared/index.ts'
import type { Input, MediaInput, Modality } from './input.ts'

/** What an input is for: models with prompts treat a query and a document differently, and queries overtake documents. */
export type Purpose = 'query' | 'document'

export interface EncodeOptions {
  readonly purpose?: Purpose
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
}

export const encodeKeys: OptionKeys<EncodeOptions> = { purpose: true, signal: true, onProgress: true }

/** What the model reads at once, from however many calls. */
export interface BatchFigures {
  readonly inputs: number
  /** Of all of them: tokens of texts, patches of pictures. */
  readonly cost: number
}

/** A worker process that ended unasked, or was ended because it showed no sign of life; another one takes its place. */
export interface WorkerLoss {
  readonly pid: number | undefined
  readonly reason: string
}

/** What version 0.1.0 would have said of the same model: `qontrast upgrade` recognises an old index by it. */
export interface LegacyEncoder {
  /** Fingerprints that 0.1.0 gave to this model. */
  readonly fingerprints: readonly string[]
  /** Whether the vector of this text, as a document, may be another one than under 0.1.0. */
  differs(text: string): boolean
}

/** What only texts have. */
export interface TextReading {
  /** Tokens of one input that the model reads, special tokens excluded; the rest is cut. `Infinity` for none. */
  readonly maximumTokens: number
  /** Tokens of a text, without special tokens and never cut. */
  countTokens(text: string): number
  /** Tokens of a chunk that this encoder searches best with, where its model's files say so. */
  readonly chunkTokens?: number
  /** How texts are found best with this encoder, where its model's files say so: a measured recommendation. */
  readonly searchMode?: SearchMode
}

/**
 * Turns inputs into vectors of unit length whose dot product is their similarity. Used through its methods only: a class may implement it.
 */
export interface Encoder {
  /** The model's name as it was asked for, for people to read. */
  readonly name: string
  readonly dimensions: number
  /** Names everything that determines document vectors: weights, pooling, document prompt, dimensions, dtype. */
  readonly fingerprint: string
  readonly accepts: ReadonlySet<Modality>
  /** Of encoders that accept texts. */
  readonly text?: TextReading
  /** What 0.1.0 made of this model, for indexes of that time. */
  readonly legacy?: LegacyEncoder
  /** What the model has to do for a picture or a sound, beside the tokens that it reads of a text: patches, say. Without, each costs 1. */
  cost?(input: MediaInput): number
  /** Where its model runs, as ONNX Runtime says it; absent where that is not known. */
  readonly device?: ConcreteDevice
  /**
   * What its processes read at the same time, all together, in tokens and in the unit of `cost`; absent where it computes in this process.
   */
  readonly costAtOnce?: number
  /** Tells of each batch from now on; absent where an encoder makes none. */
  onBatch?(listener: (batch: BatchFigures) => void): void
  /** Tells of each worker that is lost from now on; absent where an encoder has none. */
  onWorkerLost?(listener: (loss: WorkerLoss) => void): void
  /** `[inputs, dimensions]` in the order of the inputs. Rejects with `invalid-input`, `aborted`, `worker-crashed` or `closed`. */
  encode(inputs: readonly Input[], options?: EncodeOptions): Promise<Matrix>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What an encoder says of texts; `invalid-input` where it accepts none. */
export function textOf({ name, accepts, text }: Encoder): TextReading {
  if (text && accepts.has('text')) return text
  throw new QontrastError(
    'invalid-input',
    `The encoder '${name}' takes no texts: it accepts ${[...accepts].join(', ')}. Use one that accepts text.`,
  )
}

/** `invalid-option` for what is no encoder, such as one of version 0.3; `wanting` is who asks. */
export function checkEncoder(encoder: Partial<Encoder> | undefined, wanting: string): void {
  if (typeof encoder?.encode !== 'function')
    throw new QontrastError('invalid-option', `${wanting} needs an encoder: { encoder: await loadEncoder() }.`)
  if (typeof encoder.accepts?.has === 'function') return
  throw new QontrastError(
    'invalid-option',
    `${wanting}: the encoder '${encoder.name}' does not say what it takes: give it accepts: new Set(['text']), and what only texts have under text. docs/encoders.md has the form.`,
  )
}
