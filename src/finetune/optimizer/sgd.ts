import { checkOptionKeys, type OptionKeys } from '../../shared/index.ts'
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
    updateHost({ weights, gradient, slots: [velocity] }, { rate, decay, scale }) {
      if (!velocity) return
      const keep = 1 - rate * decay
      for (let i = 0; i < weights.length; i++) {
        const v = momentum * velocity[i]! + (gradient ? gradient[i]! * scale : 0)
        velocity[i] = v
        weights[i] = weights[i]! * keep - rate * v
      }
    },
    updateGraph(g, { weights, gradient, slots: [velocity = ''], rate, decay, scale }) {
      const scaled = g.op('Mul', [gradient, scale])
      const v = g.op('Add', [g.op('Mul', [velocity, g.scalar(momentum)]), scaled])
      const kept = g.op('Mul', [weights, g.op('Sub', [g.scalar(1), g.op('Mul', [rate, decay])])])
      return { weights: g.op('Sub', [kept, g.op('Mul', [v, rate])]), slots: [v] }
    },
  }
}
