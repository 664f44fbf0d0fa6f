import { describe, expect, test } from 'vitest'
import { positionConstants } from '../../src/finetune/tower/position-constants.ts'
import { createBuilder, float32Tensor, type GraphBuilder, sizeOf, type ValueName } from '../../src/graph/index.ts'

const ramp = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(i + 1))
const waves = (wave: (angle: number) => number) =>
  Array.from({ length: 32 }, (_, i) => wave(Math.floor(i / 4) / (1 + (i % 4))))

/** Texts, their words' vectors `[batch, sequence, 4]` and positions as numbers `[sequence]`, and a weight `w` used in some way. */
function constantsOf(
  dims: readonly number[],
  use: (g: GraphBuilder, parts: Parts) => ValueName,
  values = ramp(sizeOf(dims)),
) {
  const g = createBuilder()
  const ids = g.input('input_ids', { dtype: 'int64', dims: ['batch', 'sequence'] })
  const tensors = { words: float32Tensor(ramp(40), [10, 4]), w: float32Tensor(values, dims) }
  for (const [name, tensor] of Object.entries(tensors)) g.initializer(name, tensor)
  const x = g.op('Gather', ['words', ids])
  const scalar = (value: number) => g.op('Reshape', [g.ints([value]), g.ints([])])
  const length = g.op('Reshape', [g.op('Shape', [ids], { start: 1, end: 2 }), g.ints([])])
  const places = g.op('Range', [scalar(0), length, scalar(1)])
  const positions = g.op('Cast', [places], { to: 1 })
  g.output(use(g, { x, w: 'w', ids, places, positions }))
  return [...positionConstants(g.build(), new Map(Object.entries(tensors)))]
}

interface Parts {
  readonly x: ValueName
  readonly w: ValueName
  readonly ids: ValueName
  /** Positions as int64 and as floats. */
  readonly places: ValueName
  readonly positions: ValueName
}

const column = (g: GraphBuilder, value: ValueName) => g.op('Unsqueeze', [value, g.ints([1])])

describe('is a constant', () => {
  test('what is multiplied by positions: frequencies, whatever is done with them before, and slopes', () => {
    const frequencies = (g: GraphBuilder, { x, w, positions }: Parts) => {
      const angles = g.op('Mul', [column(g, positions), g.op('Reciprocal', [g.op('Unsqueeze', [w, g.ints([0])])])])
      return g.op('Mul', [x, g.op('Cos', [angles])])
    }
    expect(constantsOf([4], frequencies)).toEqual(['w'])
    const product = (g: GraphBuilder, { x, w, positions }: Parts) =>
      g.op('Mul', [x, g.op('Sin', [g.op('MatMul', [column(g, positions), g.op('Reshape', [w, g.ints([1, 4])])])])])
    expect(constantsOf([4], product)).toEqual(['w'])
    const slopes = (g: GraphBuilder, { x, w, positions }: Parts) =>
      g.op('Add', [x, g.op('Mul', [column(g, positions), w])])
    expect(constantsOf([4], slopes)).toEqual(['w'])
  })

  test('a table of cosines or sines of which positions pick what is multiplied', () => {
    const picked = (g: GraphBuilder, { x, w, places }: Parts) => g.op('Mul', [x, g.op('Gather', [w, places])])
    expect(constantsOf([8, 4], picked, waves(Math.cos))).toEqual(['w'])
    expect(constantsOf([8, 4], picked, waves(Math.sin))).toEqual(['w'])
    const cut = (g: GraphBuilder, { x, w, ids }: Parts) => {
      const part = g.op('Slice', [w, g.ints([0]), g.op('Shape', [ids], { start: 1, end: 2 }), g.ints([0])])
      return g.op('Add', [x, g.op('Mul', [g.op('Neg', [x]), g.op('Unsqueeze', [part, g.ints([0])])])])
    }
    expect(constantsOf([8, 4], cut, waves(Math.cos))).toEqual(['w'])
  })
})

describe('is trained', () => {
  test('a table whose rows are added: learned positions, and relative ones, looked up or by a one-hot matrix', () => {
    const added = (g: GraphBuilder, { x, w, places }: Parts) => g.op('Add', [x, g.op('Gather', [w, places])])
    expect(constantsOf([8, 4], added)).toEqual([])
    expect(constantsOf([8, 4], added, waves(Math.cos))).toEqual([])
    const oneHot = (g: GraphBuilder, { x, w, places }: Parts) => {
      const matrix = g.op('OneHot', [places, g.ints([8]), g.floats([0, 1])])
      return g.op('Add', [x, g.op('MatMul', [matrix, w])])
    }
    expect(constantsOf([8, 4], oneHot)).toEqual([])
  })

  test('a table of words, a scale, a matrix, and rows that positions pick to multiply, if they are no waves', () => {
    const scaled = (g: GraphBuilder, { x, w }: Parts) => g.op('Mul', [g.op('Cos', [x]), g.op('Mul', [w, g.scalar(2)])])
    expect(constantsOf([4], scaled)).toEqual([])
    expect(constantsOf([4, 4], (g, { x, w }) => g.op('MatMul', [x, w]))).toEqual([])
    expect(constantsOf([10, 4], (g, { x, w, ids }) => g.op('Mul', [x, g.op('Gather', [w, ids])]))).toEqual([])
    expect(constantsOf([8, 4], (g, { x, w, places }) => g.op('Mul', [x, g.op('Gather', [w, places])]))).toEqual([])
  })

  test('what is used for positions and for words too', () => {
    const both = (g: GraphBuilder, { x, w, positions }: Parts) =>
      g.op('Mul', [g.op('Mul', [x, w]), g.op('Cos', [g.op('Mul', [column(g, positions), w])])])
    expect(constantsOf([4], both)).toEqual([])
  })
})
