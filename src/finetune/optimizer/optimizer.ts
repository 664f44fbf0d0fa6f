import type { GraphBuilder, ValueName } from '../../graph/index.ts'

/** What an update needs to know beside the weights. */
export interface UpdateSettings {
  /** Learning rate of this step, and the share of it by which weights decay; 0 for biases and norms. */
  readonly rate: number
  readonly decay: number
  /** Counted from 1. */
  readonly step: number
  /** What the gradient is multiplied by before it is used: clipping by norm, and the mean over accumulated batches. */
  readonly scale: number
}

/** A stretch of a parameter, of its gradient and of its slots; all as long, changed in place. */
export interface HostUpdate {
  readonly weights: Float32Array
  /** Undefined stands for zeros: rows of a table that the batch does not use. */
  readonly gradient: Float32Array | undefined
  readonly slots: readonly Float32Array[]
}

/** The same update as values of a graph; `rate`, `decay`, `step` and `scale` are float32 scalars. */
export interface GraphUpdate {
  readonly weights: ValueName
  readonly gradient: ValueName
  readonly slots: readonly ValueName[]
  readonly rate: ValueName
  readonly decay: ValueName
  readonly step: ValueName
  readonly scale: ValueName
}

/**
 * How weights follow their gradients. One contract, executed two ways that give the same weights to 1e-6: as one loop over memory on the host, and as a
 * graph for devices that keep the state.
 */
export interface Optimizer {
  readonly name: string
  /** Settings that a resumed run must share. */
  readonly settings: Readonly<Record<string, number>>
  /** Values kept for each weight, all zero at first. */
  readonly slots: readonly string[]
  updateHost(update: HostUpdate, settings: UpdateSettings): void
  updateGraph(
    g: GraphBuilder,
    update: GraphUpdate,
  ): { readonly weights: ValueName; readonly slots: readonly ValueName[] }
}
