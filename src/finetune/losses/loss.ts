import type { GraphBuilder, TensorValue, ValueName } from '../../graph/index.ts'
import { type JsonObject, QontrastError } from '../../shared/index.ts'
import type { Parameter } from '../optimizer/parameter.ts'

/** What a loss may ask of the data beside the embeddings. */
export type LossColumn = 'label' | 'score' | 'teacher'

/** Values at hand while a loss is written; all are float32 unless said. */
export interface LossValues {
  /** Each `[rows, dimensions]`, as the model gives them: not of unit length. For pairs: `anchor`, `positive`, and `negative` where there are any. */
  readonly embeddings: Readonly<Record<string, ValueName>>
  /** int64 `[rows]` for each of the embeddings: the example that a row belongs to. */
  readonly rows: Readonly<Record<string, ValueName>>
  /** `label`: int64 `[examples]`; `score`: `[examples]`; `teacher`: `[examples, candidates]`. */
  readonly columns: Readonly<Partial<Record<LossColumn, ValueName>>>
  readonly parameters: Readonly<Record<string, ValueName>>
  readonly state: Readonly<Record<string, ValueName>>
}

export interface LossOutput {
  /** A scalar. */
  readonly loss: ValueName
  /** The state for the next step, by the names of `Loss.state`, each of the dims that it has; what is left out stays as it is. */
  readonly state?: Readonly<Record<string, ValueName>>
  /** Scalars to report: they are in the events of the steps. */
  readonly metrics?: Readonly<Record<string, ValueName>>
}

/**
 * A loss as a graph. Labelled, scored, distilled, queued and prototype losses are all of this type: what they need beside the embeddings is in `columns`,
 * what is learned with them in `parameters`, what they keep from step to step in `state`.
 */
export interface Loss {
  readonly name: string
  /** What it was made with: a resumed run must share it, and the model card says it. A loss without any is known by the graph that it builds. */
  readonly settings: JsonObject
  readonly columns?: readonly LossColumn[]
  /** Learned values with what they begin as. */
  readonly parameters?: Readonly<Record<string, Parameter>>
  readonly state?: Readonly<Record<string, TensorValue>>
  build(g: GraphBuilder, values: LossValues): LossOutput
}

/** One of the embeddings that a loss cannot do without. */
export function embeddingOf(embeddings: LossValues['embeddings'], name: string, loss: string): ValueName {
  const value = embeddings[name]
  if (value !== undefined) return value
  throw new QontrastError(
    'invalid-option',
    `The loss '${loss}' wants the embedding '${name}', and the method gives ${Object.keys(embeddings).join(', ')}.`,
  )
}
