import { z } from 'zod'

/*
 * The numbers of a model folder's settings files: each kind is checked here and nowhere else. What is absent or null is undefined; anything
 * else that is no such number is refused, with what was given.
 */

/** A limit from here on is none: transformers writes 10³⁰ for a tokenizer that has no maximum. */
const unlimited = 1e9
/** Ids are 32-bit integers in some models. */
const largestId = 2 ** 31 - 1

/** How many at most, from 1; undefined where there is no limit. */
export const limit = numberFrom(1, { most: Number.MAX_VALUE, none: (value) => value >= unlimited })

/** How many positions a model has: −1 stands for any number, as in XLNet. */
export const positions = numberFrom(1, { most: Number.MAX_VALUE, none: (value) => value >= unlimited || value === -1 })

/** A token's number in the vocabulary. */
export const tokenId = numberFrom(0, { most: largestId })

/** A token's number; −1 stands for no such token. */
export const optionalTokenId = numberFrom(0, { most: largestId, none: (value) => value === -1 })

/** The size of a vector. */
export const dimension = numberFrom(1, { most: unlimited })

function numberFrom(least: number, { most, none }: { most: number; none?: (value: number) => boolean }) {
  return z
    .unknown()
    .transform((value, context): number | undefined => {
      if (value === null || (typeof value === 'number' && none?.(value))) return undefined
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
      context.addIssue({
        code: 'custom',
        message: `must be a whole number from ${least}; got ${JSON.stringify(value)}`,
      })
      return z.NEVER
    })
    .optional()
}
