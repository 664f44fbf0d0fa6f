import type { Evaluator } from '../../evaluate/index.ts'
import type { Device } from '../../runtime/index.ts'
import type { TrainingData } from '../data/examples.ts'
import type { Method } from '../methods/method.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import type { Schedule } from '../optimizer/schedule.ts'
import type { EvaluateEnd } from './events.ts'
import type { RunIdentity } from './identity.ts'
import type { Plan } from './plan.ts'

/** The numbers of a run that do not depend on what is learned. */
export interface TrainSettings {
  readonly epochs: number
  readonly learningRate: number
  readonly warmup: number
  readonly schedule: Schedule
  readonly weightDecay: number
  readonly clip: number
  /** Inputs encoded at once by the gradient cache, at most; null leaves it to the memory that they want. */
  readonly cacheChunk: number | null
  readonly accumulate: number
  readonly seed: number
}

/** All that a run of training is given. */
export interface TrainOptions<Report = unknown> {
  readonly method: Method
  readonly data: TrainingData<Report>
  readonly settings: TrainSettings
  readonly optimizer: Optimizer
  /** Folder for the trained model; `run/` in it keeps settings, metrics and checkpoints. */
  readonly out: string
  readonly resume?: boolean
  /** Writes the text of the model card, README.md; none where it is left out. */
  readonly card?: (facts: CardFacts) => string
  readonly evaluator?: Evaluator
  readonly evaluateEvery?: number
  readonly checkpointEvery?: number
  readonly device?: Device
  readonly threads?: number
  /** Threads that make batches; as many as are worth it where it is left out. */
  readonly workers?: number
  readonly signal?: AbortSignal
  readonly onWarning?: (message: string) => void
}

/** What a model card may tell of a run. */
export interface CardFacts {
  readonly identity: RunIdentity
  readonly plan: Plan
  readonly device: string
  readonly warnings: readonly string[]
  readonly evaluations: readonly EvaluateEnd[]
  /** The step whose weights the folder has; 0 is the model as it was. */
  readonly exportedStep: number
}
