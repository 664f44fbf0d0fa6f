import type { Activation } from './settings.ts'

/** A linear layer after pooling: `activation(W x + b)`, `W` is `[outputs, inputs]` row-major. */
export interface DenseLayer {
  readonly weight: Float32Array
  readonly bias: Float32Array | undefined
  readonly activation: Activation
}

const activationFunctions: Record<Activation, (x: number) => number> = {
  identity: (x) => x,
  tanh: Math.tanh,
  relu: (x) => Math.max(0, x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
}

/** `[inputs]` → `[outputs]`. */
export function applyDense(input: Float32Array, { weight, bias, activation }: DenseLayer): Float32Array {
  const outputs = weight.length / input.length
  const activate = activationFunctions[activation]
  return Float32Array.from({ length: outputs }, (_, row) => {
    let sum = bias ? bias[row]! : 0
    for (let i = 0; i < input.length; i++) sum += weight[row * input.length + i]! * input[i]!
    return activate(sum)
  })
}

/** Error function to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x))
}
