import { checkOptionKeys, type OptionKeys } from '../../shared/index.ts'
import { add, divide, multiply, power, squareRoot, subtract } from './arithmetic.ts'
import type { Optimizer } from './optimizer.ts'

export interface AdamWOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
}

const adamWKeys: OptionKeys<AdamWOptions> = { beta1: true, beta2: true, epsilon: true }

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101), to PyTorch's `AdamW`. */
export function adamW(options: AdamWOptions = {}): Optimizer {
  checkOptionKeys('adamW', options, adamWKeys)
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options
  return {
    name: 'adamw',
    settings: { beta1, beta2, epsilon },
    slots: ['mean', 'variance'],
    update({ weight, gradient, slots: { mean = 0, variance = 0 }, rate, step }) {
      const m = add(multiply(mean, beta1), multiply(gradient, 1 - beta1))
      const v = add(multiply(variance, beta2), multiply(multiply(gradient, 1 - beta2), gradient))
      const stepSize = divide(rate, subtract(1, power(beta1, step)))
      const correction = divide(1, squareRoot(subtract(1, power(beta2, step))))
      const deviation = add(multiply(squareRoot(v), correction), epsilon)
      return {
        weight: subtract(weight, divide(multiply(stepSize, m), deviation)),
        slots: { mean: m, variance: v },
      }
    },
  }
}
