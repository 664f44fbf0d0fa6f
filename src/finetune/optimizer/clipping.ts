import { add, divide, type Expression, smaller, value } from './arithmetic.ts'

/** Names of the numbers of a step that clipping follows from. */
export const clipNames = { norm: 'norm', clip: 'clip' } as const
const epsilon = 1e-6
const unlimited = 3e38

/** What gradients of a norm are multiplied by so that it is at most `clip` (Pascanu et al. 2013, arXiv:1211.5063), as PyTorch's `clip_grad_norm_`. */
export const clipScale: Expression = smaller(1, divide(value(clipNames.clip), add(value(clipNames.norm), epsilon)))

/** The limit as a number of the step; a `clip` of 0 is none. */
export function clipLimit(given: number): number {
  return given > 0 ? given : unlimited
}
