import type { Input } from '../../embed/index.ts'
import type { JsonObject, QontrastError } from '../../shared/index.ts'

/** One example by the names of its columns: inputs to embed, or several for one (negatives). A column that it does not have is left out. */
export type Example = Readonly<Record<string, Input | readonly Input[]>>

/** What a run learns from: examples by their position, and which of them meet in a batch. */
export interface TrainingData<Report = unknown> {
  /** What one example is called. */
  readonly noun: string
  readonly size: number
  /** Examples of a batch, at most. */
  readonly batchSize: number
  /** What became of the file that it was read from. */
  readonly report: Report
  /** What should be known of it; it is on the model card too. */
  readonly notices: readonly string[]
  /** All of it that determines the weights: a resumed run must share it. */
  readonly identity: JsonObject
  example(position: number): Example
  /** The batches of an epoch, as positions; the same each time that it is asked. */
  batches(epoch: number): readonly (readonly number[])[]
  /** Why so many examples are in no batch. */
  unused(count: number): string
  /** The error of data that makes no batch at all. */
  noBatch(): QontrastError
}
