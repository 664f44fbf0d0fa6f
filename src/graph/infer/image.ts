import { intOf, intsOf, stringOf } from '../attributes.ts'
import { productOf } from '../dims.ts'
import { type DType, numbersOf } from '../tensor.ts'
import type { Dim, Dims } from '../types.ts'
import { transposedWindowsOf, windowsOf } from '../windows.ts'
import { checkEqual } from './broadcast.ts'
import { same } from './elementwise.ts'
import type { Infer, InferContext } from './row.ts'

/** Of the weights, or for a pool the attribute. */
function kernelOf(context: InferContext): Dims {
  const given = intsOf(context.node, 'kernel_shape')
  const kernel = context.has(1) ? context.dims(1).slice(2) : (given ?? [])
  for (const [axis, size] of kernel.entries())
    checkEqual(context, size, given?.[axis], 'kernel_shape is not of the weights')
  return kernel
}

/** Filters and channels are dealt out to the groups evenly. */
function checkShares(context: InferContext, filters: Dim | undefined): void {
  const group = intOf(context.node, 'group', 1)
  if (typeof filters === 'number' && filters % group !== 0)
    context.fail(`${filters} filters cannot be dealt out to ${group} groups`)
}

function checkBias(context: InferContext, filters: Dim | undefined): void {
  if (context.node.op.startsWith('Conv') && context.node.op !== 'ConvInteger' && context.has(2))
    checkEqual(context, context.dims(2)[0], filters, 'biases and filters differ')
}

/** `[batch, channels, …size]` with weights `[features, channels / group, …kernel]`. */
export function convTo(dtype?: DType): Infer {
  return (context) => {
    const [batch = 1, channels = 1, ...size] = context.dims(0)
    const [features, each = 1] = context.dims(1)
    if (size.length !== context.dims(1).length - 2) context.fail('image and kernel have different numbers of axes')
    checkEqual(context, channels, productOf([each, intOf(context.node, 'group', 1)]), 'channels differ')
    checkShares(context, features)
    checkBias(context, features)
    const windows = windowsOf(context.node, { image: size, kernel: kernelOf(context), fail: context.fail })
    return [{ dtype: dtype ?? context.dtype(0), dims: [batch, features, ...windows.map(({ output }) => output)] }]
  }
}

/** With weights `[channels, features / group, …kernel]`. */
export const convTranspose: Infer = (context) => {
  const [batch = 1, channels, ...size] = context.dims(0)
  const [rows, each = 1] = context.dims(1)
  checkEqual(context, channels, rows, 'channels differ')
  checkShares(context, channels)
  const windows = transposedWindowsOf(context.node, { image: size, kernel: kernelOf(context), fail: context.fail })
  const features = productOf([each, intOf(context.node, 'group', 1)])
  checkBias(context, features)
  return [{ dtype: context.dtype(0), dims: [batch, features, ...windows.map(({ output }) => output)] }]
}

/** The values, and for MaxPool where they come from. */
export const pool: Infer = (context) => {
  const [batch, channels, ...size] = context.dims(0)
  const windows = windowsOf(context.node, { image: size, kernel: kernelOf(context), fail: context.fail })
  for (const { kernel, before, after } of windows)
    if (typeof kernel === 'number' && Math.max(before, after) >= kernel)
      context.fail(
        `pads of ${before} and ${after} must be less than the window of ${kernel}, which would see nothing else`,
      )
  const dims = [batch, channels, ...windows.map(({ output }) => output)]
  return [
    { dtype: context.dtype(0), dims },
    { dtype: 'int64', dims },
  ]
}

export const globalPool: Infer = (context) => [
  { dtype: context.dtype(0), dims: context.dims(0).map((dim, axis) => (axis < 2 ? dim : 1)) },
]

/** To constant sizes or by constant scales: `⌊size · scale⌋`. */
export const resize: Infer = (context) => {
  const { node } = context
  const dims = context.dims(0)
  if (stringOf(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    return [{ dtype: context.dtype(0), dims: dims.map(() => undefined) }]
  const axes = intsOf(node, 'axes') ?? dims.map((_, axis) => axis)
  const tensor = context.tensor(2)
  const scales = tensor && numbersOf(tensor)
  const count = context.has(3) ? context.ints(3)?.length : scales?.length
  if (count !== undefined && count !== axes.length) context.fail(`${count} sizes are given for ${axes.length} axes`)
  const resized = dims.map((dim, axis) => {
    const i = axes.findIndex((one) => one === axis || one + dims.length === axis)
    if (i < 0) return dim
    if (context.has(3)) return context.ints(3)?.[i]
    const scale = scales?.[i]
    if (scale === undefined) return undefined
    if (Number.isInteger(scale)) return productOf([dim, scale])
    return typeof dim === 'number' ? Math.floor(Math.fround(dim * scale)) : undefined
  })
  if (resized.includes(0)) context.fail(`nothing is left of [${dims.join(', ')}]`)
  return [{ dtype: context.dtype(0), dims: resized }]
}

/** Beside the values, the running mean and variance, one a channel. */
export const batchNormalization: Infer = (context) => {
  const [, channels] = context.dims(0)
  for (const index of [1, 2, 3, 4]) checkEqual(context, context.dims(index)[0], channels, 'channels differ')
  return [...same(context), ...[3, 4].map((index) => ({ dtype: context.dtype(index), dims: context.dims(index) }))]
}

export const instanceNormalization: Infer = (context) => {
  for (const index of [1, 2]) checkEqual(context, context.dims(index)[0], context.dims(0)[1], 'channels differ')
  return same(context)
}

/** Scales are of channels, before opset 21 of groups. */
export const groupNormalization: Infer = (context) => {
  const [, channels] = context.dims(0)
  const groups = intOf(context.node, 'num_groups', 1)
  if (typeof channels !== 'number') return same(context)
  if (channels % groups !== 0) context.fail(`${channels} channels cannot be dealt out to ${groups} groups`)
  for (const [size] of [context.dims(1), context.dims(2)])
    if (typeof size === 'number' && size !== channels && size !== groups)
      context.fail(`${size} scales are neither of channels nor of groups`)
  return same(context)
}
