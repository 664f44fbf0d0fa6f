import { intOf, intsOf, stringOf } from '../attributes.ts'
import { ceilQuotientOf, differenceOf, floorQuotientOf, productOf, sumOf } from '../dims.ts'
import { type DType, numbersOf } from '../tensor.ts'
import type { Dim, Dims } from '../types.ts'
import { checkEqual } from './broadcast.ts'
import type { Infer, InferContext } from './row.ts'

/** How a window moves along the axes of an image. */
interface Window {
  readonly kernel: readonly Dim[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Before and after, of each axis together. */
  readonly pads: readonly number[]
  /** `NOTSET`: as `pads` say; `SAME_UPPER`, `SAME_LOWER`: so that the stride alone makes the result smaller; `VALID`: none. */
  readonly autoPad: string
}

function windowOf({ node }: InferContext, kernel: readonly Dim[]): Window {
  const ones = kernel.map(() => 1)
  const given = intsOf(node, 'pads') ?? []
  const autoPad = stringOf(node, 'auto_pad', 'NOTSET')
  return {
    kernel,
    strides: intsOf(node, 'strides') ?? ones,
    dilations: intsOf(node, 'dilations') ?? ones,
    pads: kernel.map((_, i) => (autoPad === 'NOTSET' ? (given[i] ?? 0) + (given[i + kernel.length] ?? 0) : 0)),
    autoPad,
  }
}

/** Numbers from one end of a window to the other. */
function reachOf({ kernel, dilations }: Window, i: number): Dim {
  return sumOf([productOf([differenceOf(kernel[i] ?? 1, 1), dilations[i] ?? 1]), 1])
}

/** `⌊(size + pads − reach) / stride⌋ + 1` */
function places(size: Dim, window: Window, i: number, round: typeof floorQuotientOf = floorQuotientOf): Dim {
  const stride = window.strides[i] ?? 1
  if (window.autoPad.startsWith('SAME')) return ceilQuotientOf(size, stride)
  return sumOf([round(sumOf([size, window.pads[i] ?? 0, productOf([reachOf(window, i), -1])]), stride), 1])
}

const kernelOf = (context: InferContext): Dims => intsOf(context.node, 'kernel_shape') ?? context.dims(1).slice(2)

/** `[batch, channels, …size]` with weights `[features, channels / group, …kernel]`. */
export function convTo(dtype?: DType): Infer {
  return (context) => {
    const [batch = 1, channels = 1, ...size] = context.dims(0)
    const [features, each = 1] = context.dims(1)
    if (size.length !== context.dims(1).length - 2) context.fail('image and kernel have different numbers of axes')
    checkEqual(context, channels, productOf([each, intOf(context.node, 'group', 1)]), 'channels differ')
    const window = windowOf(context, kernelOf(context))
    return [
      { dtype: dtype ?? context.dtype(0), dims: [batch, features, ...size.map((one, i) => places(one, window, i))] },
    ]
  }
}

/** With weights `[channels, features / group, …kernel]`. */
export const convTranspose: Infer = (context) => {
  const [batch = 1, channels, ...size] = context.dims(0)
  const [rows, each = 1] = context.dims(1)
  checkEqual(context, channels, rows, 'channels differ')
  const window = windowOf(context, kernelOf(context))
  const extra = intsOf(context.node, 'output_padding') ?? []
  const wanted = intsOf(context.node, 'output_shape')
  const grown = size.map((one, i) => {
    const stride = window.strides[i] ?? 1
    if (wanted) return wanted.at(i - size.length)
    if (window.autoPad.startsWith('SAME')) return productOf([one, stride])
    const moved = productOf([differenceOf(one, 1), stride])
    return sumOf([moved, extra[i] ?? 0, reachOf(window, i), -(window.pads[i] ?? 0)])
  })
  const features = productOf([each, intOf(context.node, 'group', 1)])
  return [{ dtype: context.dtype(0), dims: [batch, features, ...grown] }]
}

/** The values, and for MaxPool where they come from. */
export const pool: Infer = (context) => {
  const [batch, channels, ...size] = context.dims(0)
  const window = windowOf(context, kernelOf(context))
  const isCeil = intOf(context.node, 'ceil_mode', 0) === 1
  const dims = [
    batch,
    channels,
    ...size.map((one, i) => (isCeil ? ceilPlaces(context, one, window, i) : places(one, window, i))),
  ]
  return [
    { dtype: context.dtype(0), dims },
    { dtype: 'int64', dims },
  ]
}

/** Rounded up, but no window begins behind the image and the padding before it. */
function ceilPlaces({ node }: InferContext, size: Dim, window: Window, i: number): Dim | undefined {
  const up = places(size, window, i, (a, b) => (typeof b === 'number' ? ceilQuotientOf(a, b) : a))
  if (typeof up !== 'number' || typeof size !== 'number') return undefined
  const before = window.autoPad === 'NOTSET' ? (intsOf(node, 'pads')?.[i] ?? 0) : 0
  return (up - 1) * (window.strides[i] ?? 1) >= size + before ? up - 1 : up
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
  const resized = dims.map((dim, axis) => {
    const i = axes.findIndex((one) => one === axis || one + dims.length === axis)
    if (i < 0) return dim
    if (context.has(3)) return context.ints(3)?.[i]
    const scale = scales?.[i]
    if (scale === undefined) return undefined
    if (Number.isInteger(scale)) return productOf([dim, scale])
    return typeof dim === 'number' ? Math.floor(Math.fround(dim * scale)) : undefined
  })
  return [{ dtype: context.dtype(0), dims: resized }]
}
