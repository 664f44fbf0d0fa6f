import type { GraphBuilder } from '../../graph/index.ts'
import { checkOptionKeys, type OptionKeys } from '../../shared/index.ts'
import type { GraphUpdate, HostUpdate, Optimizer, UpdateSettings } from './optimizer.ts'

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
    updateHost(
      { weights, gradient, slots: [mean, variance] }: HostUpdate,
      { rate, decay, step, scale }: UpdateSettings,
    ) {
      if (!mean || !variance) return
      const keep = 1 - rate * decay
      const stepSize = rate / (1 - beta1 ** step)
      const correction = 1 / Math.sqrt(1 - beta2 ** step)
      const [share1, share2] = [1 - beta1, 1 - beta2]
      for (let i = 0; i < weights.length; i++) {
        const g = gradient ? gradient[i]! * scale : 0
        const m = beta1 * mean[i]! + share1 * g
        const v = beta2 * variance[i]! + share2 * g * g
        mean[i] = m
        variance[i] = v
        weights[i] = weights[i]! * keep - (stepSize * m) / (Math.sqrt(v) * correction + epsilon)
      }
    },
    updateGraph(
      g: GraphBuilder,
      { weights, gradient, slots: [mean = '', variance = ''], rate, decay, step, scale }: GraphUpdate,
    ) {
      const one = g.scalar(1)
      const scaled = g.op('Mul', [gradient, scale])
      const m = g.op('Add', [g.op('Mul', [mean, g.scalar(beta1)]), g.op('Mul', [scaled, g.scalar(1 - beta1)])])
      const square = g.op('Mul', [scaled, scaled])
      const v = g.op('Add', [g.op('Mul', [variance, g.scalar(beta2)]), g.op('Mul', [square, g.scalar(1 - beta2)])])
      const bias = (beta: number) => g.op('Sub', [one, g.op('Pow', [g.scalar(beta), step])])
      const deviation = g.op('Div', [g.op('Sqrt', [v]), g.op('Sqrt', [bias(beta2)])])
      const direction = g.op('Div', [g.op('Div', [m, bias(beta1)]), g.op('Add', [deviation, g.scalar(epsilon)])])
      const kept = g.op('Mul', [weights, g.op('Sub', [one, g.op('Mul', [rate, decay])])])
      return { weights: g.op('Sub', [kept, g.op('Mul', [direction, rate])]), slots: [m, v] }
    },
  }
}
