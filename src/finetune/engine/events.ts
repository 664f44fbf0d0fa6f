import type { ConcreteDevice } from '../../runtime/index.ts'

/** What a run of training tells as it goes; each is also a line of `metrics.jsonl`. */
export type TrainEvent<Report = unknown> = RunStart<Report> | StepEnd | EvaluateEnd | CheckpointEnd | RunEnd

export interface RunStart<Report = unknown> {
  readonly type: 'run-start'
  /** The name of the method. */
  readonly method: string
  /** Examples that were given. */
  readonly examples: number
  /** What became of the file that they were read from. */
  readonly data: Report
  /** Examples that at least one step takes. */
  readonly usedExamples: number
  /** Batches of all epochs, and how many examples they have. */
  readonly batches: { readonly count: number; readonly smallest: number; readonly largest: number }
  readonly steps: number
  /** The step that the run goes on from: 0, or that of the checkpoint. */
  readonly resumedFrom: number
  readonly parameters: number
  /** Where ONNX Runtime takes the steps. */
  readonly device: ConcreteDevice
  /** What should be known of the examples and the steps; also on the model card. */
  readonly warnings: readonly string[]
}

export interface StepEnd {
  readonly type: 'step-end'
  /** Counted from 1. */
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly loss: number
  /** Learning rate of the step. */
  readonly rate: number
  /** Norm of all gradients together, before clipping. */
  readonly norm: number
  /** What the loss reports of the step, by its own names. */
  readonly metrics: Readonly<Record<string, number>>
  readonly examples: number
  readonly examplesPerSecond: number
  readonly secondsLeft: number
  /** Inputs of the step that the model was given a part of only: texts longer than it reads. */
  readonly cutInputs: number
  /** Resident memory of the process, in bytes. */
  readonly memory: number
}

export interface EvaluateEnd {
  readonly type: 'evaluate-end'
  /** 0: before training. */
  readonly step: number
  /** The one of the metrics by which weights are kept. */
  readonly metric: string
  readonly metrics: Readonly<Record<string, number>>
  /** The best so far, the untrained model included; where both are as good, a trained one. */
  readonly best: boolean
}

export interface CheckpointEnd {
  readonly type: 'checkpoint-end'
  readonly step: number
  readonly path: string
}

export interface RunEnd {
  readonly type: 'run-end'
  readonly steps: number
  /** So few steps hardly move the weights. */
  readonly fewSteps: boolean
  readonly seconds: number
  /** The model's folder. */
  readonly out: string
  readonly cutInputs: number
  /** The step whose weights were exported: the last, or the best where there was an evaluator; 0 is the untrained model. */
  readonly exportedStep: number
  /** Of the weights that were exported, where there was an evaluator. */
  readonly metrics: Readonly<Record<string, number>> | undefined
}
