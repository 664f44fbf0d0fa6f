import type { ValueName } from '../../../graph/index.ts'

/** Name of a value of one group of a batch. */
export function inGroup(group: number, name: ValueName): ValueName {
  return `group${group}/${name}`
}

/** Input that holds what a pass gave of all its items, where the towers are not in the graph. */
export function embeddingsInput(pass: string): ValueName {
  return `embeddings/${pass}`
}

/** Inputs that say which rows of all embeddings make one of the loss's, and which example each of them belongs to. */
export function rowInputs(embedding: string) {
  return { rows: `${embedding}_rows`, examples: `${embedding}_examples` } as const
}

/** Scalar inputs of an update beside those of the optimizer: the limit of clipping, and the momentum of each follower. */
export const clipInput = 'clip'
export const momentumInput = (follower: string): ValueName => `momentum/${follower}`

/** Inputs that hold the values of all steps one after the other, `[elements]`, where each step's begin and end, `[steps + 1]`, and its dims, `[steps, rank]`. */
export function tapeOf(name: ValueName) {
  return { values: `${name}/values`, bounds: `${name}/bounds`, dims: `${name}/dims` } as const
}
