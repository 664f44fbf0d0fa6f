import { type GraphBuilder, productOf, type ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { Loss } from './loss.ts'

/** Which way a pair is looked for: by its anchor among the positives, by its positive among the anchors, or both. */
export type Direction = 'anchor-to-positive' | 'positive-to-anchor'

export interface InfoNceOptions {
  /** Similarities are divided by it; 0.05 is sentence-transformers' scale of 20. */
  readonly temperature?: number
  /** Several directions are averaged; both make the loss symmetric, as CLIP's. */
  readonly directions?: readonly Direction[]
}

const defaultTemperature = 0.05

/**
 * Every anchor should be nearer to its own positive than to all other positives and negatives of the batch: cross-entropy over cosine
 * similarities (van den Oord et al. 2018, arXiv:1807.03748; multiple negatives ranking, Henderson et al. 2017, arXiv:1705.00652).
 * Throws `invalid-option` for a temperature that is not above 0.
 */
export function infoNce({
  temperature = defaultTemperature,
  directions = ['anchor-to-positive'],
}: InfoNceOptions = {}): Loss {
  if (!(Number.isFinite(temperature) && temperature > 0))
    throw new QontrastError('invalid-option', `temperature must be a number above 0; got ${temperature}.`)
  if (directions.length === 0) throw new QontrastError('invalid-option', 'directions must name at least one direction.')
  return {
    name: 'info-nce',
    inputs: ['negatives'],
    build(g, { embeddings: { anchor, positive, negative } }) {
      const anchors = unit(g, anchor)
      const positives = unit(g, positive)
      const candidates =
        negative === undefined
          ? positives
          : g.op('Concat', [positives, unit(g, negative)], { axis: 0 }, typeOf(g, ['candidates', columns(g, anchor)]))
      const pairs = g.dimsOf(anchor)[0] ?? 0
      const own = scaled(
        g,
        g.op(
          'ReduceSum',
          [g.op('Mul', [anchors, positives], {}, typeOf(g, g.dimsOf(anchor))), g.ints([1])],
          { keepdims: 0 },
          typeOf(g, [pairs]),
        ),
      )
      const terms = directions.map((direction) => {
        const [from, among, count] =
          direction === 'anchor-to-positive'
            ? [anchors, candidates, g.dimsOf(candidates)[0] ?? 0]
            : [positives, anchors, pairs]
        const scores = g.op(
          'Gemm',
          [from, among],
          { transB: 1, alpha: { float: 1 / temperature } },
          typeOf(g, [pairs, count]),
        )
        const total = g.op('ReduceLogSumExp', [scores, g.ints([1])], { keepdims: 0 }, typeOf(g, [pairs]))
        return g.op(
          'ReduceMean',
          [g.op('Sub', [total, own], {}, typeOf(g, [pairs])), g.ints([0])],
          { keepdims: 0 },
          typeOf(g, []),
        )
      })
      const sum = terms.reduce((one, other) => g.op('Add', [one, other], {}, typeOf(g, [])))
      return {
        loss: directions.length === 1 ? sum : g.op('Mul', [sum, g.scalar(1 / directions.length)], {}, typeOf(g, [])),
      }
    },
  }

  function scaled(g: GraphBuilder, value: ValueName): ValueName {
    return g.op('Mul', [value, g.scalar(1 / temperature)], {}, typeOf(g, g.dimsOf(value)))
  }
}

/** Rows at unit length; a row of zeros stays one. */
function unit(g: GraphBuilder, rows: ValueName): ValueName {
  const [count = 0] = g.dimsOf(rows)
  const norms = g.op('ReduceL2', [rows, g.ints([1])], { keepdims: 1 }, typeOf(g, [count, 1]))
  const safe = g.op('Max', [norms, g.scalar(1e-12)], {}, typeOf(g, [count, 1]))
  return g.op('Div', [rows, safe], {}, typeOf(g, g.dimsOf(rows)))
}

function columns(g: GraphBuilder, rows: ValueName) {
  return productOf(g.dimsOf(rows).slice(1))
}

function typeOf(_: GraphBuilder, dims: readonly (number | string)[]) {
  return { type: { dtype: 'float32', dims } } as const
}
