import { createRandom, shuffled } from '../../src/shared/index.ts'

export interface FitOptions {
  /** `[tokens][dimensions]`, changed in place. */
  readonly rows: readonly Float64Array[]
  /** Texts as row numbers, and the vector that the sum of their rows should point along. */
  readonly texts: readonly (readonly number[])[]
  readonly targets: readonly Float64Array[]
  readonly epochs: number
  readonly learningRate: number
  readonly seed: number
  readonly onEpoch: (epoch: number, meanCosine: number) => void
}

/**
 * Turns token vectors so that the sum of a text's tokens points where the teacher's vector of the text points: gradient descent on
 * 1 − cosine, text by text in seeded order, with one Adagrad step size a token (Duchi, Hazan and Singer, JMLR 2011).
 */
export function fitTokens({ rows, texts, targets, epochs, learningRate, seed, onEpoch }: FitOptions): void {
  const dimensions = rows[0]?.length ?? 0
  const accumulated = new Float64Array(rows.length)
  const sum = new Float64Array(dimensions)
  const gradient = new Float64Array(dimensions)
  const random = createRandom(seed)

  for (let epoch = 1; epoch <= epochs; epoch++) {
    let total = 0
    for (const text of shuffled([...texts.keys()], random)) {
      const tokens = texts[text]!
      const target = targets[text]!
      sum.fill(0)
      for (const token of tokens) addTo(sum, rows[token]!)
      const length = Math.sqrt(dot(sum, sum))
      if (length === 0) continue
      const cosine = dot(sum, target) / length
      total += cosine
      for (let i = 0; i < dimensions; i++) gradient[i] = ((cosine * sum[i]!) / length - target[i]!) / length
      const squared = dot(gradient, gradient) / dimensions
      for (const token of tokens) {
        const row = rows[token]!
        accumulated[token]! += squared
        const step = learningRate / Math.sqrt(accumulated[token]! + 1e-12)
        for (let i = 0; i < dimensions; i++) row[i]! -= step * gradient[i]!
      }
    }
    onEpoch(epoch, total / texts.length)
  }
}

function addTo(sum: Float64Array, row: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += row[i]!
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
