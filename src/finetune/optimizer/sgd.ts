import { checkOptionKeys, type OptionKeys } from '../../shared/index.ts'
import { add, multiply, subtract } from './arithmetic.ts'
import type { Optimizer } from './optimizer.ts'

export interface SgdOptions {
  /** 0 for none. */
  readonly momentum?: number
}

const sgdKeys: OptionKeys<SgdOptions> = { momentum: true }

/** Stochastic gradient descent with momentum as PyTorch's `SGD` has it (Sutskever et al. 2013), and decoupled weight decay. */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkOptionKeys('sgd', options, sgdKeys)
  const { momentum = 0.9 } = options
  return {
    name: 'sgd',
    settings: { momentum },
    slots: ['velocity'],
    update({ weight, gradient, slots: { velocity = 0 }, rate }) {
      const v = add(multiply(velocity, momentum), gradient)
      return { weight: subtract(weight, multiply(rate, v)), slots: { velocity: v } }
    },
  }
}
