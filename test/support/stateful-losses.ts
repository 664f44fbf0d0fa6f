import { float32Tensor, type GraphBuilder, int64Tensor, type ValueName } from '../../src/graph/index.ts'
import { constraints, type Loss } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'

const dimensions = 32 // of the models in test/fixtures

function unit(g: GraphBuilder, rows: ValueName): ValueName {
  return g.op('Div', [rows, g.op('Max', [g.op('ReduceL2', [rows, g.ints([1])], { keepdims: 1 }), g.scalar(1e-12)])])
}

/** Cross-entropy of each row's own candidate, which is the first of its row of `own`, among `scores`. */
function crossEntropy(g: GraphBuilder, scores: ValueName, own: ValueName): ValueName {
  const total = g.op('ReduceLogSumExp', [scores, g.ints([1])], { keepdims: 0 })
  return g.op('ReduceMean', [g.op('Sub', [total, own]), g.ints([0])], { keepdims: 0 })
}

/** CLIP's: the log of the logit scale is learned, and cut to [0, ln 100]; an offset of the logits beside it. */
export function learnedTemperature({ begin = Math.log(1 / 0.07) } = {}): Loss {
  return {
    name: 'learned-temperature',
    settings: { begin },
    parameters: {
      logScale: { value: float32Tensor([begin], []), role: 'logit', constraint: constraints.range(0, Math.log(100)) },
      offset: { value: float32Tensor(new Float32Array(dimensions).fill(0.01), [dimensions]), role: 'bias' },
    },
    build(g, { embeddings: { anchor = '', positive = '' }, parameters: { logScale = '', offset = '' } }) {
      const scale = g.op('Exp', [logScale])
      const [a, p] = [unit(g, g.op('Add', [anchor, offset])), unit(g, positive)]
      const scores = g.op('Mul', [g.op('MatMul', [a, g.op('Transpose', [p], { perm: [1, 0] })]), scale])
      const own = g.op('Mul', [g.op('ReduceSum', [g.op('Mul', [a, p]), g.ints([1])], { keepdims: 0 }), scale])
      return { loss: crossEntropy(g, scores, own), metrics: { scale } }
    },
  }
}

/** MoCo's: positives of past batches are negatives too; the newest are the first of the queue. */
export function queued({ length = 16, temperature = 0.1 } = {}): Loss {
  const random = createRandom(5)
  const rows = Float32Array.from({ length: length * dimensions }, () => random() - 0.5)
  return {
    name: 'queued',
    settings: { length, temperature },
    state: { queue: float32Tensor(rows, [length, dimensions]), seen: int64Tensor([0]) },
    build(g, { embeddings: { anchor = '', positive = '' }, state: { queue = '', seen = '' } }) {
      const [a, p] = [unit(g, anchor), unit(g, positive)]
      const candidates = g.op('Concat', [p, queue], { axis: 0 })
      const sharpness = g.scalar(1 / temperature)
      const scores = g.op('Mul', [g.op('MatMul', [a, g.op('Transpose', [candidates], { perm: [1, 0] })]), sharpness])
      const own = g.op('Mul', [g.op('ReduceSum', [g.op('Mul', [a, p]), g.ints([1])], { keepdims: 0 }), sharpness])
      const next = g.op('Slice', [
        g.op('Concat', [g.stop(p), queue], { axis: 0 }),
        g.ints([0]),
        g.ints([length]),
        g.ints([0]),
      ])
      return {
        loss: crossEntropy(g, scores, own),
        state: { queue: next, seen: g.op('Add', [seen, g.op('Shape', [anchor], { start: 0, end: 1 })]) },
        metrics: { seen: g.op('Cast', [g.op('Squeeze', [seen, g.ints([0])])], { to: 1 }) },
      }
    },
  }
}

export const statefulLosses = { 'learned temperature': learnedTemperature, queue: queued } as const
