import type { ConcreteDevice } from '../runtime/index.ts'
import type { Matrix, OnProgress, OptionKeys } from '../shared/index.ts'

export type Modality = 'text' | 'image'

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
  readonly texts: number
  readonly tokens: number
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

/** Turns texts into vectors of unit length whose dot product is their similarity. */
export interface Encoder {
  /** The model's name as it was asked for, for people to read. */
  readonly name: string
  readonly dimensions: number
  readonly modalities: readonly Modality[]
  /** Names everything that determines document vectors: weights, pooling, document prompt, dimensions, dtype. */
  readonly fingerprint: string
  /** What 0.1.0 made of this model, for indexes of that time. */
  readonly legacy?: LegacyEncoder
  /** How texts are found best with this encoder, where its model's files say so: a measured recommendation. */
  readonly searchMode?: 'dense' | 'bm25' | 'hybrid'
  /** Tokens of a chunk that this encoder searches best with, where its model's files say so. */
  readonly chunkTokens?: number
  /** Tokens of one input that the model reads, special tokens excluded; the rest is cut. `Infinity` for none. */
  readonly maximumTokens: number
  /** Tokens of a text, without special tokens and never cut. */
  countTokens(text: string): number
  /** Where its model runs, as ONNX Runtime says it; absent where that is not known. */
  readonly device?: ConcreteDevice
  /** Tokens that its processes read at the same time, all together; absent where it computes in this process. */
  readonly tokensAtOnce?: number
  /** Tells of each batch from now on; absent where an encoder makes none. */
  onBatch?(listener: (batch: BatchFigures) => void): void
  /** Tells of each worker that is lost from now on; absent where an encoder has none. */
  onWorkerLost?(listener: (loss: WorkerLoss) => void): void
  /** `[inputs, dimensions]` in the order of the inputs. Rejects with `invalid-input`, `aborted`, `worker-crashed` or `closed`. */
  encode(inputs: readonly string[], options?: EncodeOptions): Promise<Matrix>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
