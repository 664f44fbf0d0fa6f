import type { GraphBuilder, ValueName } from '../../graph/index.ts'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../../shared/index.ts'
import { embeddingOf, type Loss } from './loss.ts'

/** Which way a pair is looked for: by its anchor among the positives, or by its positive among the anchors. */
export type Direction = 'anchor-to-positive' | 'positive-to-anchor'

export interface InfoNceOptions {
  /** Similarities are divided by it; 0.05 is sentence-transformers' scale of 20. */
  readonly temperature?: number
  /** Several directions are averaged; both make the loss symmetric, as CLIP's. */
  readonly directions?: readonly Direction[]
}

const infoNceKeys: OptionKeys<InfoNceOptions> = { temperature: true, directions: true }
const defaultTemperature = 0.05
const smallestNorm = 1e-12

/**
 * Every anchor should be nearer to its own positive than to all other positives and negatives of the batch: cross-entropy over cosine
 * similarities (van den Oord et al. 2018, arXiv:1807.03748; multiple negatives ranking, Henderson et al. 2017, arXiv:1705.00652).
 * Throws `invalid-option` for a temperature that is not above 0.
 */
export function infoNce(options: InfoNceOptions = {}): Loss {
  checkOptionKeys('infoNce', options, infoNceKeys)
  const { temperature = defaultTemperature, directions = ['anchor-to-positive'] } = options
  if (!(Number.isFinite(temperature) && temperature > 0))
    throw new QontrastError('invalid-option', `temperature must be a number above 0; got ${temperature}.`)
  if (directions.length === 0) throw new QontrastError('invalid-option', 'directions must name at least one direction.')
  return {
    name: 'info-nce',
    settings: { temperature, directions: [...directions] },
    build(g, { embeddings }) {
      const anchor = embeddingOf(embeddings, 'anchor', 'info-nce')
      const positive = embeddingOf(embeddings, 'positive', 'info-nce')
      const { negative } = embeddings
      const anchors = unit(g, anchor)
      const positives = unit(g, positive)
      const negatives = negative === undefined ? [] : [unit(g, negative)]
      const candidates = negatives.length === 0 ? positives : g.op('Concat', [positives, ...negatives], { axis: 0 })

      const product = g.op('Mul', [anchors, positives])
      const cosine = g.op('ReduceSum', [product, g.ints([1])], { keepdims: 0 })
      const own = g.op('Mul', [cosine, g.scalar(1 / temperature)])
      const among = {
        'anchor-to-positive': [anchors, candidates],
        'positive-to-anchor': [positives, anchors],
      } as const
      const terms = directions.map((direction) => {
        const [from, to] = among[direction]
        const attributes = { transB: 1, alpha: { float: 1 / temperature } }
        const scores = g.op('Gemm', [from, to], attributes)
        const total = g.op('ReduceLogSumExp', [scores, g.ints([1])], { keepdims: 0 })
        const losses = g.op('Sub', [total, own])
        return g.op('ReduceMean', [losses, g.ints([0])], { keepdims: 0 })
      })
      const sum = terms.reduce((one, other) => g.op('Add', [one, other]))
      return { loss: terms.length === 1 ? sum : g.op('Mul', [sum, g.scalar(1 / terms.length)]) }
    },
  }
}

/** Rows at unit length; a row of zeros stays one. */
function unit(g: GraphBuilder, rows: ValueName): ValueName {
  const norms = g.op('ReduceL2', [rows, g.ints([1])], { keepdims: 1 })
  const safe = g.op('Max', [norms, g.scalar(smallestNorm)])
  return g.op('Div', [rows, safe])
}
