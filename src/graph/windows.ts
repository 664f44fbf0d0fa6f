import { intOf, intsOf, stringOf } from './attributes.ts'
import { ceilQuotientOf, floorQuotientOf, productOf, sumOf } from './dims.ts'
import type { Dim, Dims, GraphNode } from './types.ts'

/** How the window of a convolution or a pool moves along one axis of an image. */
export interface Window<Size extends Dim | undefined = Dim | undefined> {
  /** Sizes of what goes in, of the window and of what comes out; undefined: known only when the graph runs. */
  readonly input: Size
  readonly kernel: Size
  readonly output: Size
  readonly stride: number
  readonly dilation: number
  /** Places put around the image, at its beginning and at its end; 0 where they depend on a symbol. */
  readonly before: number
  readonly after: number
}

/** An image's axes without batch and channels, those of the window, and what says no. */
export interface Sliding {
  readonly image: Dims
  readonly kernel: Dims
  fail(reason: string): never
}

/**
 * The windows of a Conv, MaxPool or AveragePool, one an axis. Fails where one is larger than the image with its pads.
 * Arithmetic: https://onnx.ai/onnx/operators/onnx__Conv.html and onnx__AveragePool.html
 */
export function windowsOf(node: GraphNode, sliding: Sliding): Window[] {
  return stepsOf(node, sliding).map((steps, axis) => {
    const { input, stride } = steps
    const span = spanOf(steps)
    const pads = padsOf(node, axis, sliding) ?? samePads(node, { input, span, stride })
    if (!pads) return { ...steps, output: ceilQuotientOf(input, stride), before: 0, after: 0 }
    const [before, after] = pads
    const room = sumOf([input, before, after, productOf([span, -1])])
    if (typeof room === 'number' && room < 0)
      sliding.fail(
        `the window takes ${span} places along axis ${axis + 2}, the image with its pads has ${sumOf([room, span])}`,
      )
    const output =
      intOf(node, 'ceil_mode', 0) === 1
        ? roundedUp(stride, { room, input, before })
        : sumOf([floorQuotientOf(room, stride), 1])
    return { ...steps, output, before, after }
  })
}

/** No window begins behind the image, where it would see nothing but pads. */
function roundedUp(
  stride: number,
  { room, input, before }: { readonly room: Dim; readonly input: Dim; readonly before: number },
): Dim | undefined {
  if (typeof room !== 'number' || typeof input !== 'number') return undefined
  const last = Math.ceil(room / stride)
  return last * stride >= input + before ? last : last + 1
}

/** Pads with which the stride alone makes the result smaller; undefined where they depend on a symbol. */
function samePads(
  node: GraphNode,
  { input, span, stride }: { readonly input: Dim; readonly span: Dim; readonly stride: number },
): readonly [before: number, after: number] | undefined {
  if (typeof input !== 'number' || typeof span !== 'number') return undefined
  const total = Math.max(0, (Math.ceil(input / stride) - 1) * stride + span - input)
  return halves(total, stringOf(node, 'auto_pad', '') === 'SAME_LOWER')
}

/**
 * The windows of a ConvTranspose, which writes one for each place of its input; `before` and `after` are cut off what is written.
 * Arithmetic: https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
 */
export function transposedWindowsOf(node: GraphNode, sliding: Sliding): Window[] {
  const sizes = intsOf(node, 'output_shape')
  return stepsOf(node, sliding).map((steps, axis) => {
    const { input, stride } = steps
    const extra = intsOf(node, 'output_padding')?.[axis] ?? 0
    if (extra > 0 && extra >= stride) sliding.fail(`output_padding ${extra} must be less than the stride ${stride}`)
    const written = sumOf([productOf([input, stride]), spanOf(steps), extra - stride])
    const pads = sizes ? undefined : padsOf(node, axis, sliding)
    const size = sizes?.at(axis - sliding.image.length) ?? productOf([input, stride])
    const output = pads ? sumOf([written, -pads[0], -pads[1]]) : size
    const surplus = typeof written === 'number' && typeof size === 'number' ? Math.max(0, written - size) : 0
    if (typeof written === 'number' && typeof size === 'number' && !pads && size >= written + stride)
      sliding.fail(`its windows reach ${written} places along axis ${axis + 2}, not ${size}`)
    const [before, after] = pads ?? halves(surplus, stringOf(node, 'auto_pad', '') !== 'SAME_UPPER')
    if (typeof output === 'number' && output < 1) sliding.fail(`its pads leave nothing along axis ${axis + 2}`)
    return { ...steps, output, before, after }
  })
}

/** Places from the first to the last that a window sees. */
export function spanOf({ kernel, dilation }: { readonly kernel: number; readonly dilation: number }): number
export function spanOf({ kernel, dilation }: { readonly kernel: Dim; readonly dilation: number }): Dim
export function spanOf({ kernel, dilation }: { readonly kernel: Dim; readonly dilation: number }): Dim {
  return sumOf([productOf([kernel, dilation]), 1 - dilation])
}

/** Attributes that say a number, or two, of each axis. */
const listed = [
  ['strides', 1],
  ['dilations', 1],
  ['output_padding', 1],
  ['pads', 2],
] as const

function stepsOf(node: GraphNode, sliding: Sliding) {
  const { image, kernel } = sliding
  if (kernel.length !== image.length) sliding.fail(`the window has ${kernel.length} axes and the image ${image.length}`)
  for (const [name, each] of listed) {
    const given = intsOf(node, name)
    if (given && given.length !== each * image.length)
      sliding.fail(`${name} [${given.join(', ')}] are not ${each * image.length} numbers`)
  }
  return image.map((input, axis) => {
    const size = kernel[axis] ?? 1
    const [stride, dilation] = [intsOf(node, 'strides')?.[axis] ?? 1, intsOf(node, 'dilations')?.[axis] ?? 1]
    if (size === 0 || input === 0 || stride < 1 || dilation < 1)
      sliding.fail(
        `a window of ${size} with stride ${stride} and dilation ${dilation} cannot move over ${input} places`,
      )
    return { input, kernel: size, stride, dilation }
  })
}

const autoPads = ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER']

/** Undefined where the pads follow from the sizes. */
function padsOf(node: GraphNode, axis: number, sliding: Sliding): readonly [before: number, after: number] | undefined {
  const auto = stringOf(node, 'auto_pad', 'NOTSET')
  if (!autoPads.includes(auto)) sliding.fail(`auto_pad must be one of ${autoPads.join(', ')}; it is ${auto}`)
  if (auto === 'VALID') return [0, 0]
  const pads = intsOf(node, 'pads') ?? []
  if (pads.some((size) => size < 0)) sliding.fail(`pads [${pads.join(', ')}] must be at least 0; Pad and Slice cut`)
  if (auto === 'NOTSET') return [pads[axis] ?? 0, pads[axis + sliding.image.length] ?? 0]
  if (intsOf(node, 'dilations')?.some((dilation) => dilation > 1))
    sliding.fail(`ONNX Runtime has no auto_pad ${auto} with dilations; give pads`)
  return undefined
}

function halves(total: number, isLargerFirst: boolean): [before: number, after: number] {
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)]
  return isLargerFirst ? [more, less] : [less, more]
}
