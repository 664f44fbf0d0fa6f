import { describe, expect, test } from 'vitest'
import { appendGradient } from '../../src/finetune/autodiff/index.ts'
import {
  appendInstance,
  createBuilder,
  type Dims,
  type Evaluate,
  type Graph,
  type GraphBuilder,
  learnTypes,
  type Model,
  printGraph,
  sumOf,
  type ValueName,
  verifyGraph,
} from '../../src/graph/index.ts'
import { floats, numbers, openGraph } from '../support/op-cases.ts'

const float = (...dims: Dims) => ({ dtype: 'float32', dims }) as const
const untyped = (graph: Graph): Graph => ({
  ...graph,
  outputs: graph.outputs.map(({ name }) => ({ name, type: undefined })),
})

describe('types', () => {
  test('follow from those of the inputs', () => {
    const g = createBuilder()
    const a = g.input('a', float('anchors', 384))
    const b = g.input('b', float('positives', 384))
    expect(g.typeOf(g.op('Gemm', [a, b], { transB: 1 }))).toEqual(float('anchors', 'positives'))
    expect(g.typeOf(g.op('Concat', [a, b], { axis: 0 }))).toEqual(float('anchors + positives', 384))
    expect(g.typeOf(g.op('ReduceMean', [a]))).toEqual(float(1, 1))
    expect(g.typeOf(g.op('Greater', [a, g.scalar(0)]))).toEqual({ dtype: 'bool', dims: ['anchors', 384] })
  })

  test('that do not go together are refused where the node is written, with what was given', () => {
    const g = createBuilder()
    const a = g.input('a', float('pairs', 384))
    expect(() => g.op('Add', [a, g.input('b', float('pairs', 256))])).toThrow(
      expect.objectContaining({
        code: 'model-invalid',
        message: expect.stringMatching(
          /^Add '.*' cannot be given \(a: float32\[pairs, 384\], b: float32\[pairs, 256\]\): 384 and 256 along axis 1/,
        ),
      }),
    )
    expect(() => g.op('Gemm', [a, a])).not.toThrow() // pairs may be 384
    expect(() => g.op('MatMul', [g.input('c', float(2, 3)), g.input('d', float(2, 3))])).toThrow(/3 and 2/)
    expect(() => g.op('Concat', [a, g.scalar(1)], { axis: 0 })).toThrow(/different numbers of axes/)
  })

  test('a dim that is known only when the graph runs is a symbol of its own, which shapes can be computed with', async () => {
    const g = createBuilder()
    const [x, end] = [g.input('x', float(6, 2)), g.input('end', { dtype: 'int64', dims: [1] })]
    const part = g.op('Slice', [x, g.ints([0]), end])
    const [rows = 0] = g.dimsOf(part)
    expect(g.dimsOf(part)).toEqual([expect.any(String), 2])
    const products = g.op('Gemm', [part, part], { transB: 1 })
    const wider = g.op('Concat', [products, g.op('Slice', [part, g.ints([0]), g.ints([1]), g.ints([1])])], { axis: 1 })
    const apart = g.reshape(wider, [rows, 1, sumOf([rows, 1])])
    g.output(apart)
    const runner = await openGraph(untyped(g.build()))
    const results = await runner.run({
      x: floats([6, 2], new Float32Array(12)),
      end: { dtype: 'int64', dims: [1], data: BigInt64Array.of(3n) },
    })
    await runner.release()
    expect(results[apart]?.dims).toEqual([3, 1, 4])
  })

  test('said by hand must not contradict those that follow', () => {
    const g = createBuilder()
    const y = g.op('Neg', [g.input('x', float('batch', 4))])
    expect(() => g.setType(y, float('batch', 5))).toThrow(
      /'Neg_1' is said to be float32\[batch, 5\], but float32\[batch, 4\]/,
    )
    expect(() => g.setType(y, { dtype: 'int64', dims: ['batch', 4] })).toThrow(/int64/)
    g.setType(y, float('texts', 4))
    expect(g.dimsOf(y)).toEqual(['texts', 4])
  })

  test('of outputs are checked with those that follow, and are printed', () => {
    const g = createBuilder()
    g.output(g.op('Neg', [g.input('x', float('batch', 4))]))
    const graph = g.build()
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "(%x: float32[batch, 4]) {
        %0: float32[batch, 4] = Neg(%x)
        return %0
      }"
    `)
    verifyGraph(graph)
    const [{ name } = { name: '' }] = graph.outputs
    expect(() => verifyGraph({ ...graph, outputs: [{ name, type: float('batch', 5) }] })).toThrow(
      /'Neg_1' is said to be float32\[batch, 5\], and float32\[batch, 4\] follows/,
    )
  })
})

describe('types that are learned', () => {
  const sizes = [{ batch: 3 }, { batch: 5 }] as const
  const learned = (graph: Graph, dims: (batch: number) => Readonly<Record<ValueName, readonly number[]>>) => {
    const model: Model = { graph, irVersion: 9, opsets: new Map([['', 20]]), functions: [] }
    const evaluate: Evaluate = async () =>
      sizes.map(({ batch }) => {
        const values = Object.entries(dims(batch))
        return new Map(values.map(([name, own]) => [name, { dtype: 'float32', dims: own, bytes: new Uint8Array() }]))
      })
    return learnTypes(model, evaluate, [
      { sizes: sizes[0], feeds: {} },
      { sizes: sizes[1], feeds: {} },
    ])
  }
  const graphOf = (write: (g: GraphBuilder, x: ValueName) => ValueName): Graph => {
    const g = createBuilder()
    g.output(write(g, g.input('x', float('batch', 4))))
    return g.build()
  }

  test('hold where nothing follows, and are more than products where it does', async () => {
    const graph = graphOf((g, x) => g.op('Concat', [x, g.floats([0, 0, 0, 0], [1, 4])], { axis: 0 }))
    const types = await learned(graph, (batch) => ({ Concat_1: [batch + 1, 4] }))
    expect(types.get('Concat_1')).toEqual(float('batch + 1', 4))
    const strange = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, op: 'com.example.Strange' })) }
    expect((await learned(strange, (batch) => ({ Concat_1: [2 * batch, 4] }))).get('Concat_1')).toEqual(
      float('2*batch', 4),
    )
  })

  test('are compared with those that follow: a model that gives others is refused with both', async () => {
    const graph = graphOf((g, x) => g.op('Neg', [x]))
    await expect(learned(graph, (batch) => ({ Neg_1: [batch, 5] }))).rejects.toThrow(
      expect.objectContaining({
        code: 'model-invalid',
        message: expect.stringMatching(/'Neg_1' is float32\[batch, 4\] .*float32\[3, 5\] and float32\[5, 5\]/),
      }),
    )
    await expect(learned(graph, () => ({ Neg_1: [3, 4] }))).rejects.toThrow(/float32\[3, 4\] and float32\[3, 4\]/)
  })
})

/** A tower over images of any size: features of patches, averaged. */
function tower() {
  const g = createBuilder()
  const image = g.input('image', float('batch', 3, 'height', 'width'))
  const weight = g.input('weight', float(4, 3))
  const pixels = g.op('Transpose', [image], { perm: [0, 2, 3, 1] })
  const features = g.op('MatMul', [pixels, g.op('Transpose', [weight], { perm: [1, 0] })])
  const embeddings = g.op('ReduceMean', [g.op('Tanh', [features]), g.ints([1, 2])], { keepdims: 0 })
  g.output(embeddings)
  return { graph: g.build(), types: g.types(), embeddings, features }
}

test('one tower is written for crops of two sizes, with its weights shared and sizes as numbers', async () => {
  const { graph, types, embeddings, features } = tower()
  const g = createBuilder()
  const crops = [
    ['large', 8],
    ['small', 4],
  ] as const
  for (const [crop, size] of crops) {
    const rename = (name: ValueName) => (name === 'weight' ? name : `${crop}/${name}`)
    appendInstance(g, { graph, types }, { rename, sizes: { batch: `${crop} images`, height: size, width: size } })
  }
  expect(g.dimsOf(`large/${features}`)).toEqual(['large images', 8, 8, 4])
  expect(g.dimsOf(`small/${features}`)).toEqual(['small images', 4, 4, 4])
  const all = g.op('Concat', [`large/${embeddings}`, `small/${embeddings}`], { axis: 0 })
  expect(g.dimsOf(all)).toEqual(['large images + small images', 4])

  const loss = g.op('ReduceSum', [all], { keepdims: 0 })
  const gradient = appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets: ['weight'] }).get('weight') ?? ''
  g.output(gradient)
  const built = untyped(g.build())
  expect(built.inputs.map(({ name }) => name)).toEqual(['large/image', 'weight', 'small/image'])
  verifyGraph(built)
  const runner = await openGraph(built)
  const ramp = (...dims: number[]) =>
    floats(
      dims,
      Float32Array.from({ length: dims.reduce((size, dim) => size * dim, 1) }, (_, i) => Math.sin(i)),
    )
  const run = (large: number, small: number) =>
    runner.run({
      weight: ramp(4, 3),
      'large/image': ramp(large, 3, 8, 8),
      'small/image': ramp(small, 3, 4, 4),
    })
  const [both, more] = [await run(2, 3), await run(4, 3)]
  await runner.release()
  expect(both[gradient]?.dims).toEqual([4, 3])
  expect(numbers(more[gradient])).not.toEqual(numbers(both[gradient]))
})

describe('a stop', () => {
  test('gives the value, and lets no gradient through', async () => {
    const g = createBuilder()
    const [x, y] = [g.input('x', float(2)), g.input('y', float(2))]
    const product = g.op('Mul', [g.stop(x), g.op('Add', [x, y])])
    const loss = g.op('ReduceSum', [product], { keepdims: 0 })
    const gradients = appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets: [x, y] })
    const names = [loss, gradients.get(x) ?? '', gradients.get(y) ?? '']
    for (const name of names) g.output(name)
    const runner = await openGraph(untyped(g.build()))
    const results = await runner.run({
      x: floats([2], Float32Array.of(2, 3)),
      y: floats([2], Float32Array.of(5, 7)),
    })
    await runner.release()
    expect(names.map((name) => [...numbers(results[name])])).toEqual([[44], [2, 3], [2, 3]])
  })

  test('that is on every way leaves a target without a gradient', () => {
    const g = createBuilder()
    const x = g.input('x', float(2))
    const loss = g.op('ReduceSum', [g.stop(g.op('Exp', [x]))], { keepdims: 0 })
    expect(appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets: [x] }).size).toBe(0)
  })

  test('outlasts a graph that is built and gone on from', () => {
    const g = createBuilder()
    const x = g.input('x', float(2))
    g.output(g.stop(x))
    const further = createBuilder(g.build())
    const loss = further.op('ReduceSum', [g.build().outputs[0]?.name ?? ''], { keepdims: 0 })
    expect(appendGradient(further, { seeds: new Map([[loss, further.scalar(1)]]), targets: [x] }).size).toBe(0)
  })
})
