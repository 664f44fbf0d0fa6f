import { add, type Expression, multiply, subtract, value } from './arithmetic.ts'

/** Names of the values of a shadow's update: the first two are of each element, the momentum a number of the step. */
export const followingNames = { shadow: 'shadow', weight: 'weight', momentum: 'momentum' } as const

const momentum = value(followingNames.momentum)

/** What a shadow becomes after a step: the exponential moving average of the weight that it follows (He et al. 2020, arXiv:1911.05722). */
export const followed: Expression = add(
  multiply(value(followingNames.shadow), momentum),
  multiply(value(followingNames.weight), subtract(1, momentum)),
)

/** A momentum that stays, or rises by half a cosine until the last step (Grill et al. 2020, arXiv:2006.07733). */
export type Momentum = number | { readonly from: number; readonly to: number }

/** The momentum of a step counted from 1. */
export function momentumAt(step: number, steps: number, momentum: Momentum): number {
  if (typeof momentum === 'number') return momentum
  const { from, to } = momentum
  return to - ((to - from) * (1 + Math.cos((Math.PI * (step - 1)) / Math.max(1, steps - 1)))) / 2
}
