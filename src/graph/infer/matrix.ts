import { intOf, stringOf } from '../attributes.ts'
import type { DType } from '../tensor.ts'
import type { Dim, Dims } from '../types.ts'
import { broadcast, checkEqual } from './broadcast.ts'
import type { Infer, InferContext } from './row.ts'

/** Dims of a product of two stacks of matrices, as numpy's: a vector is a row on the left and a column on the right. */
function productDims(context: InferContext, a: Dims, b: Dims): Dim[] {
  if (a.length === 0 || b.length === 0) return context.fail('a scalar has no matrix product')
  const left = a.length === 1 ? [1, ...a] : a
  const right = b.length === 1 ? [...b, 1] : b
  checkEqual(context, left.at(-1), right.at(-2), 'the columns of the left and the rows of the right differ')
  const batch = broadcast(context, [left.slice(0, -2), right.slice(0, -2)])
  const [rows, columns] = [a.length === 1 ? [] : left.slice(-2, -1), b.length === 1 ? [] : right.slice(-1)]
  return [...batch, ...rows, ...columns]
}

export const matMul: Infer = (context) => [
  { dtype: context.dtype(0), dims: productDims(context, context.dims(0), context.dims(1)) },
]

/** A product of quantized matrices. */
export function matMulTo(dtype: DType): Infer {
  return (context) => [{ dtype, dims: productDims(context, context.dims(0), context.dims(1)) }]
}

const turned = (dims: Dims, isTurned: boolean): Dims =>
  isTurned ? [...dims.slice(0, -2), ...dims.slice(-2).toReversed()] : dims

export const gemm: Infer = (context) => {
  const { node } = context
  if (context.dims(0).length !== 2 || context.dims(1).length !== 2) return context.fail('it multiplies two matrices')
  const a = turned(context.dims(0), intOf(node, 'transA', 0) === 1)
  const b = turned(context.dims(1), intOf(node, 'transB', 0) === 1)
  const dims = productDims(context, a, b)
  if (context.has(2) && broadcast(context, [dims, context.dims(2)]).length !== 2) context.fail('C has too many axes')
  return [{ dtype: context.dtype(0), dims }]
}

export const fusedMatMul: Infer = (context) => {
  const { node } = context
  if (intOf(node, 'transBatchA', 0) === 1 || intOf(node, 'transBatchB', 0) === 1) return []
  const a = turned(context.dims(0), intOf(node, 'transA', 0) === 1)
  const b = turned(context.dims(1), intOf(node, 'transB', 0) === 1)
  return [{ dtype: context.dtype(0), dims: productDims(context, a, b) }]
}

/** Letters stand for dims; one that is not in the result is summed over. An ellipsis is not followed. */
export const einsum: Infer = (context) => {
  const equation = stringOf(context.node, 'equation', '').replaceAll(' ', '')
  if (equation.includes('.')) return []
  const [left = '', given] = equation.split('->')
  const sizes = new Map<string, Dim>()
  for (const [i, letters] of left.split(',').entries()) {
    const dims = context.dims(i)
    if (dims.length !== letters.length) context.fail(`'${letters}' stands for ${dims.length} axes`)
    for (const [axis, letter] of [...letters].entries()) {
      const dim = dims[axis] ?? 1
      const known = sizes.get(letter)
      checkEqual(context, known, dim, `'${letter}' stands for two sizes`)
      if (known === undefined || typeof known !== 'number')
        sizes.set(letter, typeof dim === 'number' ? dim : (known ?? dim))
    }
  }
  const once = [...sizes.keys()].filter((letter) => left.split(letter).length === 2).sort()
  return [{ dtype: context.dtype(0), dims: [...(given ?? once)].map((letter) => sizes.get(letter)) }]
}

/** Weights of `N` outputs, packed. */
export const matMulNBits: Infer = (context) => [
  { dtype: context.dtype(0), dims: [...context.dims(0).slice(0, -1), intOf(context.node, 'N', 0)] },
]
