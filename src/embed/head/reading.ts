import type { GraphBuilder, ValueName } from '../../graph/index.ts'

/** How a model's output for pictures becomes a vector a picture. */
export type Reading = 'vector' | 'first-token' | 'mean-of-places'

interface ReadingRule {
  /** What the output has, one a number: batch, then what is read over, then the vector's size. */
  readonly shape: string
  readonly rank: readonly number[]
  append(g: GraphBuilder, output: ValueName): ValueName
}

export const readings: Readonly<Record<Reading, ReadingRule>> = {
  vector: {
    shape: '[batch, dimensions], or with 1 × 1 places behind',
    rank: [2, 4],
    append(g, output) {
      const [batch = 'batch', size = 0] = g.dimsOf(output)
      return g.dimsOf(output).length === 2 ? output : g.reshape(output, [batch, size])
    },
  },
  'first-token': {
    shape: '[batch, tokens, dimensions]',
    rank: [3],
    append: (g, output) => g.op('Squeeze', [g.op('Gather', [output, g.ints([0])], { axis: 1 }), g.ints([1])]),
  },
  'mean-of-places': {
    shape: '[batch, dimensions, height, width]',
    rank: [4],
    append: (g, output) => g.op('ReduceMean', [output, g.ints([2, 3])], { keepdims: 0 }),
  },
}
