import type { JsonObject } from '../../shared/index.ts'

/** Raised whenever this package computes other vectors from the same facts and files. */
export const staticVersion = 2

/** Every fact that changes a document's vector, as plain data: the encoder computes from it, and the fingerprint is made of it. */
export interface StaticPlan {
  readonly kind: 'static'
  readonly version: number
  readonly dimensions: number
  readonly maximumTokens: number
  /** Characters of a text that are read; the rest is past the maximum of tokens. */
  readonly longest: number
  /** Id of the unknown token, which is left out. */
  readonly unknown: number | undefined
  /** Size of the table; ids past it are left out. */
  readonly tokens: number
}

/** The same as JSON. Indexes keep a hash of it: the order of its keys stays. */
export function factsOf({ unknown, tokens, ...others }: StaticPlan): JsonObject {
  return { ...others, ...(unknown === undefined ? {} : { unknown }), tokens }
}
