import { type Dims, floatOf, intOf, type ValueName } from '../../../graph/index.ts'
import { type InputGradient, type Rule, untrainable } from '../rule.ts'

/** C = A B: dA = dC Bᵀ, dB = Aᵀ dC, per matrix of a batch. On the CPU, ONNX Runtime fuses the transposes into the product. */
const matMul: Rule = (context, upstream) => {
  const { g, node, wanted } = context
  const [a, b] = [context.input(0), context.input(1)]
  const [aDims, bDims] = [context.dims(a), context.dims(b)]
  if (aDims.length < 2 || bDims.length < 2) {
    throw untrainable(`node '${node.name}' (MatMul) multiplies a vector. Reshape it to a matrix when exporting`)
  }
  const batch = context.dims(context.output()).slice(0, -2)
  const turned = (value: ValueName, dims: Dims) => {
    const axes = dims.map((_, axis) => axis)
    return g.op('Transpose', [value], { perm: [...axes.slice(0, -2), ...axes.slice(-2).reverse()] })
  }
  const withBatch = (value: ValueName, dims: Dims): InputGradient => ({ value, dims: [...batch, ...dims.slice(-2)] })
  return [
    wanted[0] ? withBatch(g.op('MatMul', [upstream, turned(b, bDims)]), aDims) : null,
    wanted[1] ? withBatch(g.op('MatMul', [turned(a, aDims), upstream]), bDims) : null,
  ]
}

/** Y = α op(A) op(B) + β C, all of two dims (C broadcast). */
const gemm: Rule = (context, upstream) => {
  const { g, node, wanted } = context
  const alpha = { float: floatOf(node, 'alpha', 1) }
  const beta = floatOf(node, 'beta', 1)
  const [transA, transB] = [intOf(node, 'transA', 0), intOf(node, 'transB', 0)]
  const [a, b] = [context.input(0), context.input(1)]
  const product = (left: ValueName, right: ValueName, turnLeft: number, turnRight: number) =>
    g.op('Gemm', [left, right], { alpha, transA: turnLeft, transB: turnRight })
  const gradients: InputGradient[] = [null, null]
  if (wanted[0]) gradients[0] = transA ? product(b, upstream, transB, 1) : product(upstream, b, 0, 1 - transB)
  if (wanted[1]) gradients[1] = transB ? product(upstream, a, 1, transA) : product(a, upstream, 1 - transA, 0)
  if (wanted[2]) {
    const value = beta === 1 ? upstream : g.op('Mul', [upstream, g.scalar(beta)])
    gradients.push({ value, dims: context.dims(context.output()) })
  }
  return gradients
}

export const matrixRules = {
  MatMul: { rule: matMul },
  Gemm: { rule: gemm },
} as const satisfies Record<string, { readonly rule: Rule }>
