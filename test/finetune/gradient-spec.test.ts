import { describe, expect, test } from 'vitest'
import { appendGradient, rules } from '../../src/finetune/autodiff/index.ts'
import {
  type AttributeInput,
  createBuilder,
  type GraphBuilder,
  isKnownOp,
  type OpName,
  printGraph,
  serializeModel,
  sizeOf,
  type ValueName,
  verifyGraph,
} from '../../src/graph/index.ts'
import { createRunner, type HostTensor } from '../../src/runtime/index.ts'
import { createRandom } from '../../src/shared/index.ts'
import { inner, norm } from '../support/training.ts'

/** One way to use an operator: what is differentiated (`inputs`, their dims), what else it is given, and where its values may lie. */
interface Case {
  readonly op: OpName
  readonly inputs: readonly (readonly number[])[]
  readonly output: readonly number[]
  readonly attributes?: Readonly<Record<string, AttributeInput>>
  /** All inputs in order, where some are constants: `x0` stands for the first of `inputs`. */
  readonly given?: (g: GraphBuilder, x: readonly ValueName[]) => ValueName[]
  readonly domain?: readonly [from: number, to: number]
  readonly outputs?: number
  readonly tolerance?: number
}

const positive = [0.5, 2] as const
const axes =
  (...values: number[]) =>
  (g: GraphBuilder, x: readonly ValueName[]) => [...x, g.ints(values)]
const elementwise = (op: OpName, domain?: Case['domain']): Case => ({
  op,
  inputs: [[2, 3]],
  output: [2, 3],
  ...(domain ? { domain } : {}),
})
const broadcast = (op: OpName, domain?: Case['domain']): Case[] => [
  {
    op,
    inputs: [
      [2, 3],
      [2, 3],
    ],
    output: [2, 3],
    ...(domain ? { domain } : {}),
  },
  { op, inputs: [[2, 3], [3]], output: [2, 3], ...(domain ? { domain } : {}) },
  {
    op,
    inputs: [
      [4, 1, 3],
      [2, 1],
    ],
    output: [4, 2, 3],
    ...(domain ? { domain } : {}),
  },
  { op, inputs: [[], [2, 3]], output: [2, 3], ...(domain ? { domain } : {}) },
]
const reduction = (op: OpName, domain?: Case['domain']): Case[] => [
  { op, inputs: [[2, 3, 4]], output: [2, 1, 4], given: axes(1), ...(domain ? { domain } : {}) },
  {
    op,
    inputs: [[2, 3, 4]],
    output: [2, 4],
    attributes: { keepdims: 0 },
    given: axes(1),
    ...(domain ? { domain } : {}),
  },
  {
    op,
    inputs: [[2, 3, 4]],
    output: [2],
    attributes: { keepdims: 0 },
    given: axes(-1, 1),
    ...(domain ? { domain } : {}),
  },
  { op, inputs: [[2, 3]], output: [], attributes: { keepdims: 0 }, ...(domain ? { domain } : {}) },
]

const cases: readonly Case[] = [
  ...broadcast('Add'),
  ...broadcast('Sub'),
  ...broadcast('Mul'),
  ...broadcast('Div', positive),
  ...broadcast('Pow', positive),
  ...broadcast('Max'),
  ...broadcast('Min'),
  { op: 'Max', inputs: [[2, 3], [2, 3], [3]], output: [2, 3] },
  {
    op: 'Where',
    inputs: [[2, 3], [3]],
    output: [2, 3],
    given: (g, x) => [g.op('Greater', [g.floats([1, -1, 1, -1, 1, 1], [2, 3]), g.scalar(0)]), ...x],
  },
  elementwise('Abs'),
  elementwise('Neg'),
  elementwise('Sqrt', positive),
  elementwise('Reciprocal', positive),
  elementwise('Exp'),
  elementwise('Log', positive),
  elementwise('Sin'),
  elementwise('Cos'),
  elementwise('Erf'),
  elementwise('Tanh'),
  elementwise('Sigmoid'),
  elementwise('Relu'),
  elementwise('Softplus'),
  elementwise('Gelu'),
  { ...elementwise('Gelu'), attributes: { approximate: 'tanh' } },
  elementwise('Identity'),
  { ...elementwise('Cast'), attributes: { to: 1 } },
  {
    op: 'MatMul',
    inputs: [
      [2, 3],
      [3, 4],
    ],
    output: [2, 4],
  },
  {
    op: 'MatMul',
    inputs: [
      [2, 2, 3],
      [3, 4],
    ],
    output: [2, 2, 4],
  },
  {
    op: 'MatMul',
    inputs: [
      [2, 1, 2, 3],
      [5, 3, 4],
    ],
    output: [2, 5, 2, 4],
  },
  {
    op: 'Gemm',
    inputs: [
      [2, 3],
      [3, 4],
    ],
    output: [2, 4],
  },
  { op: 'Gemm', inputs: [[2, 3], [3, 4], [4]], output: [2, 4], attributes: { alpha: 0.5, beta: { float: 2 } } },
  {
    op: 'Gemm',
    inputs: [
      [3, 2],
      [3, 4],
      [2, 1],
    ],
    output: [2, 4],
    attributes: { transA: 1 },
  },
  {
    op: 'Gemm',
    inputs: [
      [2, 3],
      [4, 3],
    ],
    output: [2, 4],
    attributes: { transB: 1 },
  },
  {
    op: 'Gemm',
    inputs: [
      [3, 2],
      [4, 3],
    ],
    output: [2, 4],
    attributes: { transA: 1, transB: 1 },
  },
  ...reduction('ReduceSum'),
  ...reduction('ReduceMean'),
  ...reduction('ReduceMax'),
  ...reduction('ReduceMin'),
  ...reduction('ReduceL2', positive),
  ...reduction('ReduceSumSquare'),
  ...reduction('ReduceLogSumExp'),
  { op: 'Softmax', inputs: [[2, 3, 4]], output: [2, 3, 4] },
  { op: 'Softmax', inputs: [[2, 3, 4]], output: [2, 3, 4], attributes: { axis: 1 } },
  { op: 'LogSoftmax', inputs: [[2, 3]], output: [2, 3], attributes: { axis: -1 } },
  { op: 'LayerNormalization', inputs: [[2, 3, 4], [4], [4]], output: [2, 3, 4], attributes: { epsilon: 1e-5 } },
  { op: 'LayerNormalization', inputs: [[2, 4], [4]], output: [2, 4], attributes: { axis: 1, epsilon: 1e-3 } },
  { op: 'LayerNormalization', inputs: [[2, 4], [4], [4]], output: [2, 4], outputs: 3 },
  { op: 'Reshape', inputs: [[2, 6]], output: [3, 4], given: axes(3, -1) },
  { op: 'Flatten', inputs: [[2, 3, 4]], output: [2, 12] },
  { op: 'Squeeze', inputs: [[2, 1, 3]], output: [2, 3], given: axes(1) },
  { op: 'Unsqueeze', inputs: [[2, 3]], output: [2, 1, 3], given: axes(1) },
  { op: 'Transpose', inputs: [[2, 3, 4]], output: [4, 2, 3], attributes: { perm: [2, 0, 1] } },
  { op: 'Transpose', inputs: [[2, 3]], output: [3, 2] },
  { op: 'Expand', inputs: [[2, 1]], output: [4, 2, 3], given: axes(4, 2, 3) },
  {
    op: 'Concat',
    inputs: [
      [2, 3],
      [2, 1],
    ],
    output: [2, 4],
    attributes: { axis: 1 },
  },
  {
    op: 'Concat',
    inputs: [
      [2, 3],
      [1, 3],
      [4, 3],
    ],
    output: [7, 3],
    attributes: { axis: -2 },
  },
  {
    op: 'Slice',
    inputs: [[4, 5]],
    output: [2, 3],
    given: (g, [x = '']) => [x, g.ints([1, -4]), g.ints([3, 4]), g.ints([0, 1])],
  },
  { op: 'Split', inputs: [[2, 6]], output: [2, 3], attributes: { axis: 1, num_outputs: 2 }, outputs: 2 },
  {
    op: 'Gather',
    inputs: [[5, 3]],
    output: [2, 2, 3],
    attributes: { axis: 0 },
    given: (g, [x = '']) => [x, g.op('Reshape', [g.ints([1, 4, 1, 0]), g.ints([2, 2])])],
  },
  { op: 'Gather', inputs: [[5, 2, 3]], output: [3, 2, 3], given: axes(2, 2, 0) },
  {
    op: 'GatherElements',
    inputs: [[3, 3]],
    output: [2, 3],
    attributes: { axis: 0 },
    given: (g, [x = '']) => [x, g.op('Reshape', [g.ints([0, 2, 1, 0, 2, 2]), g.ints([2, 3])])],
  },
]

/** A graph of one operator and its gradient: inputs x0…, upstream u; outputs y and a gradient for each input. */
function build({ op, inputs, output, attributes = {}, given = (_, x) => [...x], outputs = 1 }: Case) {
  const g = createBuilder()
  const x = inputs.map((dims, i) => g.input(`x${i}`, { dtype: 'float32', dims }))
  const u = g.input('u', { dtype: 'float32', dims: output })
  const all = given(g, x)
  const [y = '', ...rest] = outputs === 1 ? [g.op(op, all, attributes)] : g.ops(op, all, outputs, attributes)
  for (const name of [y, ...(op === 'Split' ? rest : [])]) g.setType(name, { dtype: 'float32', dims: output })
  if (op !== 'Split') for (const name of rest) g.setType(name, { dtype: 'float32', dims: [...output.slice(0, -1), 1] })
  const gradients = appendGradient(g, { seeds: new Map([[y, u]]), targets: x })
  g.output(y)
  for (const name of x) g.output(gradients.get(name) ?? '')
  const graph = g.build()
  return {
    graph: { ...graph, outputs: graph.outputs.map(({ name }) => ({ name, type: undefined })) },
    y,
    gradients: x.map((name) => gradients.get(name) ?? ''),
  }
}

const opsets = new Map([
  ['', 20],
  ['com.microsoft', 1],
])
const open = (graph: ReturnType<typeof build>['graph']) =>
  createRunner(serializeModel({ graph, irVersion: 9, opsets, functions: [] }), { device: 'cpu', threads: 2 })

function floats(dims: readonly number[], data: Float32Array): HostTensor {
  return { dtype: 'float32', dims, data }
}

describe('⟨v, gradient(u)⟩ is the slope of ⟨u, y⟩ along v, for random u and v', () => {
  test.each(
    cases.map(
      (one) =>
        [
          `${one.op} ${one.inputs.map((dims) => `[${dims}]`).join(' ')} ${JSON.stringify(one.attributes ?? {})}`,
          one,
        ] as const,
    ),
  )('%s', async (_, one) => {
    const { graph, y, gradients } = build(one)
    verifyGraph(graph)
    const runner = await open(graph)
    const random = createRandom(7)
    const [from, to] = one.domain ?? [-1.5, 1.5]
    // distinct values, none near 0 where Abs and Relu have their corner
    const draw = (dims: readonly number[]) =>
      Float32Array.from({ length: sizeOf(dims) }, () => {
        const value = from + (to - from) * random()
        return Math.abs(value) < 0.05 ? value + 0.1 : value
      })
    const direction = (dims: readonly number[]) => Float32Array.from({ length: sizeOf(dims) }, () => 2 * random() - 1)
    const x = one.inputs.map(draw)
    const v = one.inputs.map(direction)
    const u = direction(one.output)
    const step = 4e-3
    const at = async (scale: number) => {
      const feeds = one.inputs.map((dims, i): [string, HostTensor] => {
        const moved = (x[i] ?? new Float32Array()).map((value, k) => value + scale * (v[i]?.[k] ?? 0))
        return [`x${i}`, floats(dims, moved)]
      })
      return runner.run({ ...Object.fromEntries(feeds), u: floats(one.output, u) })
    }
    const [before, here, after] = [await at(-step), await at(0), await at(step)]
    const slope = (inner(u, numbers(after[y])) - inner(u, numbers(before[y]))) / (2 * step)
    const products = gradients.map((name, i) => {
      expect(here[name]?.dims).toEqual(one.inputs[i])
      return inner(v[i] ?? [], numbers(here[name]))
    })
    const predicted = products.reduce((sum, product) => sum + product, 0)
    const scale = norm(u) * norm(v.flatMap((part) => [...part]))
    expect(Math.abs(predicted - slope) / scale).toBeLessThan(one.tolerance ?? 1e-3)
    await runner.release()
  })
})

function numbers(tensor: HostTensor | undefined): Float32Array {
  return tensor?.dtype === 'float32' ? tensor.data : new Float32Array()
}

test('every rule has a row here', () => {
  const tried = new Set<string>(cases.map(({ op }) => op))
  const missing = Object.entries(rules).flatMap(([op, entry]) =>
    entry !== 'zero' && 'rule' in entry && !tried.has(op) ? [op] : [],
  )
  expect(missing).toEqual([])
})

test('rows that are looked up several times get exactly the sum of their gradients, in 50 runs on two threads', async () => {
  const [rows, width, count] = [50, 64, 4096]
  const { graph, gradients } = build({
    op: 'Gather',
    inputs: [[rows, width]],
    output: [count, width],
    given: (g, [x = '']) => [x, g.ints(Array.from({ length: count }, (_, i) => (i * 7919) % rows))],
  })
  const runner = await open(graph)
  const u = Float32Array.from({ length: count * width }, (_, i) => (i % 7) - 3)
  const expected = new Float32Array(rows * width)
  for (let i = 0; i < count; i++)
    for (let k = 0; k < width; k++) expected[((i * 7919) % rows) * width + k]! += u[i * width + k] ?? 0
  for (let run = 0; run < 50; run++) {
    const results = await runner.run({
      x0: floats([rows, width], new Float32Array(rows * width)),
      u: floats([count, width], u),
    })
    expect(Buffer.from(numbers(results[gradients[0] ?? '']).buffer).equals(Buffer.from(expected.buffer))).toBe(true)
  }
})

describe('printed gradients', () => {
  test('of a linear layer', () => {
    expect(
      printGraph(build({ op: 'Gemm', inputs: [[2, 3], [3, 4], [4]], output: [2, 4] }).graph),
    ).toMatchInlineSnapshot(`
      "(%x0: float32[2, 3], %x1: float32[3, 4], %x2: float32[4], %u: float32[2, 4]) {
        %0 = Gemm(%x0, %x1, %x2)
        %1 = Gemm(%u, %x1) {alpha=1, transA=0, transB=1}
        %2 = Gemm(%x0, %u) {alpha=1, transA=1, transB=0}
        %3 = ReduceSum(%u, int64 [0]) {keepdims=1}
        %4 = Reshape(%3, int64 [4])
        return %0, %1, %2, %4
      }"
    `)
  })
  test('of a softmax', () => {
    expect(printGraph(build({ op: 'Softmax', inputs: [[2, 3]], output: [2, 3] }).graph)).toMatchInlineSnapshot(`
      "(%x0: float32[2, 3], %u: float32[2, 3]) {
        %0 = Softmax(%x0)
        %1 = Mul(%u, %0)
        %2 = ReduceSum(%1, int64 [1]) {keepdims=1}
        %3 = Mul(%0, %2)
        %4 = Sub(%1, %3)
        return %0, %4
      }"
    `)
  })
  test('of a layer normalization', () => {
    expect(
      printGraph(build({ op: 'LayerNormalization', inputs: [[2, 4], [4], [4]], output: [2, 4], outputs: 3 }).graph),
    ).toMatchInlineSnapshot(`
      "(%x0: float32[2, 4], %x1: float32[4], %x2: float32[4], %u: float32[2, 4]) {
        %0, %1, %2 = LayerNormalization(%x0, %x1, %x2)
        %3 = Sub(%x0, %1)
        %4 = Mul(%3, %2)
        %5 = Mul(%u, %x1)
        %6 = Mul(%5, %4)
        %7 = ReduceMean(%6, int64 [1]) {keepdims=1}
        %8 = Mul(%4, %7)
        %9 = ReduceMean(%5, int64 [1]) {keepdims=1}
        %10 = Sub(%5, %9)
        %11 = Sub(%10, %8)
        %12 = Mul(%11, %2)
        %13 = Mul(%u, %4)
        %14 = ReduceSum(%13, int64 [0]) {keepdims=1}
        %15 = Reshape(%14, int64 [4])
        %16 = ReduceSum(%u, int64 [0]) {keepdims=1}
        %17 = Reshape(%16, int64 [4])
        return %0, %12, %15, %17
      }"
    `)
  })
  test('of a sum with broadcasting', () => {
    expect(
      printGraph(
        build({
          op: 'Add',
          inputs: [
            [4, 1, 3],
            [2, 1],
          ],
          output: [4, 2, 3],
        }).graph,
      ),
    ).toMatchInlineSnapshot(`
      "(%x0: float32[4, 1, 3], %x1: float32[2, 1], %u: float32[4, 2, 3]) {
        %0 = Add(%x0, %x1)
        %1 = ReduceSum(%u, int64 [1]) {keepdims=1}
        %2 = ReduceSum(%u, int64 [0, 2]) {keepdims=1}
        %3 = Reshape(%2, int64 [2, 1])
        return %0, %1, %3
      }"
    `)
  })
})

describe('what has no gradient', () => {
  const through = (op: string) => {
    const g = createBuilder()
    const x = g.input('x', { dtype: 'float32', dims: [2] })
    g.append({ name: 'node_7', op, inputs: [x], outputs: ['y'], attributes: {} })
    g.setType('y', { dtype: 'float32', dims: [2] })
    return () => appendGradient(g, { seeds: new Map([['y', g.scalar(1)]]), targets: [x] })
  }

  test('is refused with the node, the operator and what to do', () => {
    expect(through('com.example.Strange')).toThrow(/node 'node_7' \(com.example.Strange\): this operator is not known/)
    expect(through('DequantizeLinear')).toThrow(/quantized.*Train the fp32 weights/)
    expect(through('Conv')).toThrow(/image operators/)
    expect(through('com.microsoft.FastGelu')).toThrow(/Export it without optimization/)
  })

  test('or lets nothing through', () => {
    const g = createBuilder()
    const x = g.input('x', { dtype: 'float32', dims: [2] })
    const y = g.op('Floor', [x], {}, { type: { dtype: 'float32', dims: [2] } })
    expect(appendGradient(g, { seeds: new Map([[y, g.scalar(1)]]), targets: [x] }).size).toBe(0)
    expect(Object.keys(rules).every(isKnownOp)).toBe(true)
  })
})
