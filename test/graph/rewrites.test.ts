import { describe, expect, test } from 'vitest'
import {
  absorbIntoGemm,
  createBuilder,
  float32Tensor,
  fuse,
  type Graph,
  type GraphBuilder,
  inlineConstants,
  learnTypes,
  type Model,
  normalizeOpset,
  printGraph,
  prune,
  type ValueName,
  type ValueType,
  verifyGraph,
} from '../../src/graph/index.ts'
import type { HostTensor } from '../../src/runtime/index.ts'
import { floats, numbers, openGraph } from '../support/op-cases.ts'
import { relativeError } from '../support/training.ts'

const float = (dims: readonly (number | string)[]): ValueType => ({ dtype: 'float32', dims })
const model = (graph: Graph, opset: number): Model => ({
  graph,
  irVersion: 9,
  opsets: new Map([['', opset]]),
  functions: [],
})

function graphOf(
  write: (g: GraphBuilder, x: ValueName) => ValueName,
  dims: readonly (number | string)[] = [2, 3],
): Graph {
  const g = createBuilder()
  const result = write(g, g.input('x', float(dims)))
  g.output(result)
  const graph = g.build()
  return { ...graph, outputs: graph.outputs.map(({ name }) => ({ name, type: undefined })) }
}

const ramp = (dims: readonly number[]): HostTensor =>
  floats(
    dims,
    Float32Array.from({ length: dims.reduce((size, dim) => size * dim, 1) }, (_, i) => Math.sin(i)),
  )

async function outputOf(graph: Graph, feeds: Readonly<Record<string, HostTensor>>): Promise<Float32Array> {
  verifyGraph(graph)
  const runner = await openGraph(graph)
  const results = await runner.run(feeds)
  await runner.release()
  return numbers(results[graph.outputs[0]?.name ?? ''])
}

describe('opsets', () => {
  test('older than 13 and newer than 24 are refused with what to do', () => {
    const graph = graphOf((g, x) => g.op('Neg', [x]))
    for (const opset of [8, 12, 25])
      expect(() => normalizeOpset(model(graph, opset))).toThrow(/opsets 13 to 24 can be trained.*opset_version=17/)
    for (const opset of [13, 17, 20]) expect(normalizeOpset(model(graph, opset)).opsets.get('')).toBe(20)
    expect(normalizeOpset(model(graph, 23)).opsets.get('')).toBe(23)
  })

  test('what changed since 13 is written anew: axes of reductions, outputs of Split', async () => {
    const graph = graphOf((g, x) => {
      const [first = ''] = g.ops('Split', [x], 3, { axis: 1 })
      return g.op('ReduceMean', [first], { axes: [1], keepdims: 0 })
    })
    const upgraded = normalizeOpset(model(graph, 13)).graph
    expect(printGraph(upgraded)).toMatchInlineSnapshot(`
      "(%x: float32[2, 3]) {
        %0: float32[2, 1], %1: float32[2, 1], %2: float32[2, 1] = Split(%x) {axis=1, num_outputs=3}
        %3: float32[2] = ReduceMean(%0, int64 [1]) {keepdims=0}
        return %3
      }"
    `)
    expect(await outputOf(upgraded, { x: ramp([2, 3]) })).toEqual(Float32Array.of(Math.sin(0), Math.sin(3)))
  })
})

describe('fusing', () => {
  const one = (g: GraphBuilder) => g.scalar(1)
  test.each([
    [
      'x · (1 + erf(x / √2)) · ½',
      (g: GraphBuilder, x: string) =>
        g.op('Mul', [
          g.op('Mul', [x, g.op('Add', [g.op('Erf', [g.op('Div', [x, g.scalar(Math.SQRT2)])]), one(g)])]),
          g.scalar(0.5),
        ]),
    ],
    [
      '½ · x · (1 + erf(x / √2))',
      (g: GraphBuilder, x: string) =>
        g.op('Mul', [
          g.op('Mul', [x, g.scalar(0.5)]),
          g.op('Add', [g.op('Erf', [g.op('Div', [x, g.scalar(Math.SQRT2)])]), one(g)]),
        ]),
    ],
    [
      'with a product instead of a quotient',
      (g: GraphBuilder, x: string) =>
        g.op('Mul', [
          g.scalar(0.5),
          g.op('Mul', [g.op('Add', [one(g), g.op('Erf', [g.op('Mul', [x, g.scalar(Math.SQRT1_2)])])]), x]),
        ]),
    ],
  ])('Gelu, %s', async (_, write) => {
    const graph = graphOf(write)
    const fused = fuse({ graph, types: new Map() }).graph
    expect(fused.nodes.map(({ op }) => op)).toEqual(['Gelu'])
    expect(
      relativeError(await outputOf(fused, { x: ramp([2, 3]) }), await outputOf(graph, { x: ramp([2, 3]) })),
    ).toBeLessThan(1e-6)
  })

  test('what only looks like Gelu stays', () => {
    const graph = graphOf((g, x) =>
      g.op('Mul', [
        g.op('Mul', [x, g.op('Add', [g.op('Erf', [g.op('Div', [x, g.scalar(1.5)])]), one(g)])]),
        g.scalar(0.5),
      ]),
    )
    expect(fuse({ graph, types: new Map() }).graph.nodes.length).toBe(graph.nodes.length)
  })

  test('a product with a weight and its bias become one Gemm over all tokens', async () => {
    const graph = graphOf(
      (g, x) => {
        const weight = g.initializer('weight', float32Tensor([1, 2, 3, 4, 5, 6], [3, 2]))
        const bias = g.initializer('bias', float32Tensor([10, 20], [2]))
        return g.op('Add', [bias, g.op('MatMul', [x, weight])])
      },
      [2, 4, 3],
    )
    const fused = fuse({ graph, types: new Map() }).graph
    expect(fused.nodes.map(({ op }) => op)).toEqual(['Reshape', 'Gemm', 'Reshape'])
    expect(
      relativeError(await outputOf(fused, { x: ramp([2, 4, 3]) }), await outputOf(graph, { x: ramp([2, 4, 3]) })),
    ).toBeLessThan(1e-6)
  })
})

test('sums and factors after a Gemm are done by it', async () => {
  const write = (g: GraphBuilder, x: string) => {
    const weight = g.initializer('weight', float32Tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]))
    const first = g.op('Gemm', [x, weight])
    const second = g.op('Gemm', [x, weight], { transB: 1 })
    const sum = g.op('Add', [first, second])
    const third = g.op('Gemm', [g.op('Tanh', [sum]), weight])
    return g.op('Mul', [third, g.scalar(0.25)])
  }
  const g = createBuilder()
  g.output(write(g, g.input('x', float([2, 3]))))
  const graph = g.build()
  const names = graph.nodes.flatMap(({ outputs }) => outputs)
  const types = new Map(names.flatMap((name) => (g.typeOf(name) ? [[name, float([2, 3])] as const] : [])))
  const absorbed = absorbIntoGemm({ graph, types }).graph
  expect(absorbed.nodes.map(({ op }) => op)).toEqual(['Gemm', 'Gemm', 'Tanh', 'Gemm'])
  expect(
    relativeError(await outputOf(absorbed, { x: ramp([2, 3]) }), await outputOf(graph, { x: ramp([2, 3]) })),
  ).toBeLessThan(1e-6)
})

test('constants become initializers, identities go, dead nodes and weights too', () => {
  const graph = graphOf((g, x) => {
    const two = g.op('Constant', [], { value_float: { float: 2 } })
    g.op('Mul', [x, g.initializer('unused', float32Tensor([1], [1]))])
    return g.op('Mul', [g.op('Identity', [x]), two])
  })
  const inlined = prune(inlineConstants(graph))
  expect(printGraph(inlined)).toMatchInlineSnapshot(`
    "(%x: float32[2, 3]) {
      %0: float32[2, 3] = Mul(%x, 2)
      return %0
    }"
  `)
  expect([...inlined.initializers.keys()]).toEqual(['Constant_1'])
})

test('dims are learned from two runs: constants, symbols, their products; what fits none is left open', async () => {
  const strange = { name: 'strange', op: 'com.example.Strange', inputs: ['x'], attributes: {} }
  const results = (dims: readonly (readonly number[])[]) =>
    new Map(dims.map((own, i) => [`v${i}`, { dtype: 'float32', dims: own, bytes: new Uint8Array() } as const]))
  const types = await learnTypes(
    model(
      { ...graphOf((g, x) => g.op('Neg', [x])), nodes: [{ ...strange, outputs: ['v0', 'v1', 'v2', 'v3', 'v4'] }] },
      20,
    ),
    async () => [results([[3, 7, 4], [21], [12, 7], [49], [9]]), results([[5, 11, 4], [55], [20, 11], [121], [14]])],
    [
      { sizes: { batch: 3, sequence: 7 }, feeds: {} },
      { sizes: { batch: 5, sequence: 11 }, feeds: {} },
    ],
  )
  expect([...types.values()].map(({ dims }) => dims)).toEqual([
    ['batch', 'sequence', 4],
    ['batch*sequence'],
    ['4*batch', 'sequence'],
    ['sequence*sequence'],
    undefined,
  ])
})

test('a graph that is not valid says where', () => {
  const graph = graphOf((g, x) => g.op('Neg', [x]))
  const [node] = graph.nodes
  if (!node) throw new Error('no node')
  expect(() => verifyGraph({ ...graph, nodes: [{ ...node, inputs: ['nowhere'] }] })).toThrow(
    /reads 'nowhere', which nothing before it gives/,
  )
  expect(() => verifyGraph({ ...graph, nodes: [node, node] })).toThrow(/given twice/)
  expect(() => verifyGraph({ ...graph, nodes: [{ ...node, inputs: ['x', 'x'] }] })).toThrow(
    /has 2 inputs; it takes 1 to 1/,
  )
  expect(() => verifyGraph({ ...graph, outputs: [{ name: 'nothing', type: undefined }] })).toThrow(
    /nothing gives the output 'nothing'/,
  )
})
