import { describe, expect, test } from 'vitest'
import { appendGradient, rules } from '../../src/finetune/autodiff/index.ts'
import { createBuilder, isKnownOp, printGraph, verifyGraph } from '../../src/graph/index.ts'
import { buildCase, floats, gradientError, numbers, opCases, openGraph, titleOf } from '../support/op-cases.ts'

describe('⟨v, gradient(u)⟩ is the slope of ⟨u, y⟩ along v, for random u and v', () => {
  test.each(opCases.map((one) => [titleOf(one), one] as const))('%s', async (_, one) => {
    verifyGraph(buildCase(one).graph)
    const { error, dims, allowed } = await gradientError(one)
    expect(dims).toBe(true)
    expect(error).toBeLessThan(allowed)
  })
})

test('every rule has a row here', () => {
  const tried = new Set<string>(opCases.map(({ op }) => op))
  const missing = Object.entries(rules).flatMap(([op, entry]) =>
    entry !== 'zero' && !('refuse' in entry) && !tried.has(op) ? [op] : [],
  )
  expect(missing).toEqual([])
})

test('rows that are looked up several times get exactly the sum of their gradients, in 50 runs on two threads', async () => {
  const [rows, width, count] = [50, 64, 4096]
  const { graph, gradients } = buildCase({
    op: 'Gather',
    inputs: [[rows, width]],
    output: [count, width],
    given: (g, [x = '']) => [x, g.ints(Array.from({ length: count }, (_, i) => (i * 7919) % rows))],
  })
  const runner = await openGraph(graph)
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
      printGraph(buildCase({ op: 'Gemm', inputs: [[2, 3], [3, 4], [4]], output: [2, 4] }).graph),
    ).toMatchInlineSnapshot(`
      "(%x0: float32[2, 3], %x1: float32[3, 4], %x2: float32[4], %u: float32[2, 4]) {
        %0: float32[2, 4] = Gemm(%x0, %x1, %x2)
        %1: float32[2, 3] = Gemm(%u, %x1) {alpha=1, transA=0, transB=1}
        %2: float32[3, 4] = Gemm(%x0, %u) {alpha=1, transA=1, transB=0}
        %3: float32[1, 4] = ReduceSum(%u, int64 [0]) {keepdims=1}
        %4: float32[4] = Reshape(%3, int64 [4])
        return %0, %1, %2, %4
      }"
    `)
  })
  test('of a softmax', () => {
    expect(printGraph(buildCase({ op: 'Softmax', inputs: [[2, 3]], output: [2, 3] }).graph)).toMatchInlineSnapshot(`
      "(%x0: float32[2, 3], %u: float32[2, 3]) {
        %0: float32[2, 3] = Softmax(%x0)
        %1: float32[2, 3] = Mul(%u, %0)
        %2: float32[2, 1] = ReduceSum(%1, int64 [1]) {keepdims=1}
        %3: float32[2, 3] = Mul(%0, %2)
        %4: float32[2, 3] = Sub(%1, %3)
        return %0, %4
      }"
    `)
  })
  test('of a layer normalization', () => {
    expect(
      printGraph(buildCase({ op: 'LayerNormalization', inputs: [[2, 4], [4], [4]], output: [2, 4], outputs: 3 }).graph),
    ).toMatchInlineSnapshot(`
      "(%x0: float32[2, 4], %x1: float32[4], %x2: float32[4], %u: float32[2, 4]) {
        %0: float32[2, 4], %1: float32[2, 1], %2: float32[2, 1] = LayerNormalization(%x0, %x1, %x2)
        %3: float32[2, 4] = Sub(%x0, %1)
        %4: float32[2, 4] = Mul(%3, %2)
        %5: float32[2, 4] = Mul(%u, %x1)
        %6: float32[2, 4] = Mul(%5, %4)
        %7: float32[2, 1] = ReduceMean(%6, int64 [1]) {keepdims=1}
        %8: float32[2, 4] = Mul(%4, %7)
        %9: float32[2, 1] = ReduceMean(%5, int64 [1]) {keepdims=1}
        %10: float32[2, 4] = Sub(%5, %9)
        %11: float32[2, 4] = Sub(%10, %8)
        %12: float32[2, 4] = Mul(%11, %2)
        %13: float32[2, 4] = Mul(%u, %4)
        %14: float32[1, 4] = ReduceSum(%13, int64 [0]) {keepdims=1}
        %15: float32[4] = Reshape(%14, int64 [4])
        %16: float32[1, 4] = ReduceSum(%u, int64 [0]) {keepdims=1}
        %17: float32[4] = Reshape(%16, int64 [4])
        return %0, %12, %15, %17
      }"
    `)
  })
  test('of a sum with broadcasting', () => {
    expect(
      printGraph(
        buildCase({
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
        %0: float32[4, 2, 3] = Add(%x0, %x1)
        %1: float32[4, 1, 3] = ReduceSum(%u, int64 [1]) {keepdims=1}
        %2: float32[1, 2, 1] = ReduceSum(%u, int64 [0, 2]) {keepdims=1}
        %3: float32[2, 1] = Reshape(%2, int64 [2, 1])
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
    expect(through('LSTM')).toThrow(/recurrent layer.*Train a convolution or a transformer/)
    expect(through('com.microsoft.FastGelu')).toThrow(/Export it without optimization/)
  })

  test('or lets nothing through', () => {
    const g = createBuilder()
    const x = g.input('x', { dtype: 'float32', dims: [2] })
    const y = g.op('Floor', [x])
    expect(appendGradient(g, { seeds: new Map([[y, g.scalar(1)]]), targets: [x] }).size).toBe(0)
    expect(Object.keys(rules).every(isKnownOp)).toBe(true)
  })
})
