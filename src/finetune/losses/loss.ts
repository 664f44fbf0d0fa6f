import type { GraphBuilder, TensorValue, ValueName } from '../../graph/index.ts'

/** What a loss may ask for beside the embeddings, by its usual name. */
export type LossInput = 'labels' | 'scores' | 'teacher' | 'negatives'

/** Values at hand while a loss is written; all are float32 unless said. */
export interface LossValues {
  readonly embeddings: {
    /** `[pairs, dimensions]`, as the model gives them: not of unit length. */
    readonly anchor: ValueName
    readonly positive: ValueName
    /** `[pairs × negatives a pair, dimensions]`, pair by pair, for losses that list `negatives` among their inputs. */
    readonly negative?: ValueName
  }
  /** `labels`: int64 `[pairs]`; `scores`: `[pairs]`; `teacher`: `[pairs, candidates]`. */
  readonly inputs: Readonly<Partial<Record<LossInput, ValueName>>>
  readonly parameters: Readonly<Record<string, ValueName>>
  readonly state: Readonly<Record<string, ValueName>>
}

export interface LossOutput {
  /** A scalar. */
  readonly loss: ValueName
  /** The state for the next step, by the names of `Loss.state`. */
  readonly nextState?: Readonly<Record<string, ValueName>>
  /** Scalars to report. */
  readonly metrics?: Readonly<Record<string, ValueName>>
}

/**
 * A loss as a graph. Labelled, scored, distilled, queued and prototype losses are all of this type: what they need beside the embeddings is in `inputs`,
 * what is learned with them in `parameters`, what they keep from step to step in `state`.
 */
export interface Loss {
  readonly name: string
  /** What it was made with, as JSON: a resumed run must share it, and the model card says it. Without, its graph is compared. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly inputs: readonly LossInput[]
  /** Learned values with what they begin as. */
  readonly parameters?: Readonly<Record<string, TensorValue>>
  readonly state?: Readonly<Record<string, TensorValue>>
  build(g: GraphBuilder, values: LossValues): LossOutput
}
