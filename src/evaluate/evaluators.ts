import { createHash } from 'node:crypto'
import type { Encoder } from '../embed/index.ts'
import { checkOptionKeys, createPace, dot, type Matrix, type OptionKeys } from '../shared/index.ts'
import { spearman } from './metrics.ts'
import type { LabelledData, SimilarityData } from './scored-data.ts'

/** Measures an encoder. Higher is better for every metric. */
export interface Evaluator {
  readonly primaryMetric: string
  readonly higherIsBetter: boolean
  /** Of what it measures on, so that a resumed run of fine-tuning compares like with like. */
  readonly fingerprint?: () => string
  (encoder: Encoder, options?: { readonly signal?: AbortSignal }): Promise<Readonly<Record<string, number>>>
}

export interface KnnOptions {
  readonly k?: number
  readonly temperature?: number
}

const knnKeys: OptionKeys<KnnOptions> = { k: true, temperature: true }

/** Spearman correlation of the cosine with the score people gave. */
export function similarityEvaluator({ pairs }: SimilarityData): Evaluator {
  return describeEvaluator(
    'spearman',
    () => pairs,
    async (encoder, options) => {
      const first = await encoder.encode(
        pairs.map((pair) => pair.first),
        options,
      )
      const second = await encoder.encode(
        pairs.map((pair) => pair.second),
        options,
      )
      const cosines = pairs.map((_, i) => dot(first.row(i), second.row(i)))
      return {
        spearman: spearman(
          cosines,
          pairs.map(({ score }) => score),
        ),
      }
    },
  )
}

/** Accuracy of the k nearest training texts' vote, weighed by exp(cosine / temperature). */
export function knnEvaluator({ train, test }: LabelledData, options: KnnOptions = {}): Evaluator {
  checkOptionKeys('knnEvaluator', options, knnKeys)
  const { k = 10, temperature = 0.07 } = options
  return describeEvaluator(
    'accuracy',
    () => [{ k, temperature }, ...train, ...test],
    async (encoder, options) => {
      const known = await encoder.encode(
        train.map(({ text }) => text),
        options,
      )
      const asked = await encoder.encode(
        test.map(({ text }) => text),
        options,
      )
      const pace = createPace()
      let right = 0
      for (const [row, { label }] of test.entries()) {
        await pace()
        const votes = new Map<string, number>()
        for (const { row: neighbour, score } of nearest(known, asked.row(row), k)) {
          const vote = train[neighbour]?.label ?? ''
          votes.set(vote, (votes.get(vote) ?? 0) + Math.exp(score / temperature))
        }
        const [winner] = [...votes].sort((a, b) => b[1] - a[1])
        if (winner?.[0] === label) right += 1
      }
      return { accuracy: right / test.length }
    },
  )
}

/** A function that measures, with what its metrics are, and all that it measures on. */
export function describeEvaluator(
  primaryMetric: string,
  data: () => Iterable<unknown>,
  run: (encoder: Encoder, options?: { signal?: AbortSignal }) => Promise<Readonly<Record<string, number>>>,
): Evaluator {
  const fingerprint = () => {
    const hash = createHash('sha256')
    for (const part of data()) hash.update(`${JSON.stringify(part)}\n`)
    return hash.digest('hex')
  }
  return Object.assign(run, { primaryMetric, higherIsBetter: true, fingerprint })
}

/** The k rows with the largest dot product, best first, equal ones by row. */
function nearest(matrix: Matrix, query: Float32Array, k: number): { row: number; score: number }[] {
  const best: { row: number; score: number }[] = []
  for (let row = 0; row < matrix.rows; row++) {
    const score = dot(matrix.row(row), query)
    const last = best.at(-1)
    if (best.length === k && last && score <= last.score) continue
    let place = best.length
    while (place > 0 && best[place - 1]!.score < score) place -= 1
    best.splice(place, 0, { row, score })
    if (best.length > k) best.pop()
  }
  return best
}
