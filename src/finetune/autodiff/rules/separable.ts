import {
  axisOf,
  type GraphBuilder,
  intOf,
  intsOf,
  numbersOf,
  productOf,
  stringOf,
  type ValueName,
  windowsOf,
} from '../../../graph/index.ts'
import { type Rule, type RuleContext, untrainable } from '../rule.ts'
import { sizedWindows } from './sized-windows.ts'

/**
 * Operators that are linear and treat each axis by itself: along an axis they are a matrix, and the gradient is its product with dy. The matrix is what
 * they make of the axis' unit vectors, so they write it themselves, and no mode of interpolation or padding is written a second time.
 * Given `[size, size]`, the operator's node gives `[size, size after]`.
 */
type OfUnits = (
  units: ValueName,
  along: { readonly axis: number; readonly size: number; readonly after: number },
) => ValueName

/** The gradient along some axes, which have a `size` before and another after. */
function backAlong(context: RuleContext, upstream: ValueName, axes: readonly number[], ofUnits: OfUnits): ValueName {
  const { g, node, input, output, dims } = context
  const start = { value: upstream, sizes: dims(output()) }
  const back = axes.reduce(({ value, sizes }, axis) => {
    const [size, after] = [dims(input(0))[axis], sizes[axis]]
    if (typeof size !== 'number' || typeof after !== 'number')
      throw untrainable(
        `node '${node.name}' (${node.op}) takes an axis of ${size} to ${after}, where numbers are needed. Export the model with fixed heights and widths`,
      )
    const units = g.op('EyeLike', [g.op('ConstantOfShape', [g.ints([size, size])])])
    const matrix = g.reshape(ofUnits(units, { axis, size, after }), [size, after])
    const [lead, rest] = [productOf(sizes.slice(0, axis)), productOf(sizes.slice(axis + 1))]
    const product =
      rest === 1
        ? g.op('MatMul', [g.reshape(value, [lead, after]), g.op('Transpose', [matrix])])
        : g.op('MatMul', [matrix, g.reshape(value, [lead, after, rest])])
    const made = sizes.map((other, i) => (i === axis ? size : other))
    return { value: g.reshape(product, made), sizes: made }
  }, start)
  return back.value
}

const averagePool: Rule = (context, upstream) => {
  const { g, node, input, dims } = context
  const image = dims(input(0)).slice(2)
  const windows = sizedWindows(context, windowsOf, { image, kernel: intsOf(node, 'kernel_shape') ?? [] })
  const axes = windows.map((_, i) => i + 2)
  const back = backAlong(context, upstream, axes, (units, { axis }) => {
    const window = windows[axis - 2]
    return g.op('AveragePool', [g.op('Unsqueeze', [units, g.ints([0])])], {
      kernel_shape: [window?.kernel ?? 1],
      strides: [window?.stride ?? 1],
      dilations: [window?.dilation ?? 1],
      pads: [window?.before ?? 0, window?.after ?? 0],
      ceil_mode: intOf(node, 'ceil_mode', 0),
      count_include_pad: intOf(node, 'count_include_pad', 0),
    })
  })
  return [back]
}

/** Constant borders are cut off again; borders that repeat the image give their gradients back to it. */
const pad: Rule = (context, upstream) => {
  const { g, node, wanted, input, dims } = context
  const [, pads = '', value = '', along = ''] = node.inputs
  const mode = stringOf(node, 'mode', 'constant')
  if (mode === 'constant') {
    const inner = g.op('Pad', [upstream, negative(g, pads), ...(along === '' ? [] : ['', along])])
    const sum = (all: ValueName) => g.op('ReduceSum', [all], { keepdims: 0 })
    const rest = value !== '' && wanted[2] ? g.reshape(g.op('Sub', [sum(upstream), sum(inner)]), dims(value)) : null
    return value === '' ? [inner] : [inner, null, rest]
  }
  const rank = dims(input(0)).length
  const numbers = constantOf(context, pads, 'pads')
  const axes = along === '' ? dims(input(0)).map((_, axis) => axis) : constantOf(context, along, 'axes')
  const padded = axes.flatMap((axis, i) => {
    const [before = 0, after = 0] = [numbers[i], numbers[i + axes.length]]
    return before === 0 && after === 0 ? [] : [{ axis: axisOf(axis, rank), before, after }]
  })
  const back = backAlong(
    context,
    upstream,
    padded.map(({ axis }) => axis),
    (units, { axis }) => {
      const { before = 0, after = 0 } = padded.find((one) => one.axis === axis) ?? {}
      return g.op('Pad', [units, g.ints([0, before, 0, after])], { mode })
    },
  )
  return [back]
}

function negative(g: GraphBuilder, pads: ValueName): ValueName {
  const tensor = g.tensorOf(pads)
  return tensor ? g.ints(numbersOf(tensor).map((size) => 0 - size)) : g.op('Neg', [pads])
}

/** Attributes of Resize that a rule for an axis by itself takes over. */
const interpolation = [
  'coordinate_transformation_mode',
  'mode',
  'nearest_mode',
  'antialias',
  'exclude_outside',
  'cubic_coeff_a',
]

const resize: Rule = (context, upstream) => {
  const { g, node, input, output, dims } = context
  const refuse = (what: string) => untrainable(`node '${node.name}' (Resize) ${what}`)
  const transformation = stringOf(node, 'coordinate_transformation_mode', 'half_pixel')
  if (transformation === 'tf_crop_and_resize')
    throw refuse('cuts out a region that is computed while it runs. Cut with Slice when exporting')
  const policy = stringOf(node, 'keep_aspect_ratio_policy', 'stretch')
  if (policy !== 'stretch')
    throw refuse(`keeps the aspect ratio (${policy}). Give both sizes, with the policy 'stretch'`)
  const rank = dims(input(0)).length
  const given = intsOf(node, 'axes')?.map((axis) => axisOf(axis, rank)) ?? dims(input(0)).map((_, axis) => axis)
  const scales = node.inputs[3] ? undefined : constantOf(context, node.inputs[2] ?? '', 'scales')
  const axes = given.filter(
    (axis, i) => scales?.[i] !== 1 && (scales !== undefined || dims(input(0))[axis] !== dims(output())[axis]),
  )
  const back = backAlong(context, upstream, axes, (units, { axis, size, after }) => {
    const target = scales ? ['', g.floats([1, scales[given.indexOf(axis)] ?? 1])] : ['', '', g.ints([size, after])]
    const attributes = interpolation.map((name) => [name, node.attributes[name]] as const)
    return g.op('Resize', [units, ...target], Object.fromEntries(attributes))
  })
  return [back]
}

function constantOf({ g, node }: RuleContext, name: ValueName, what: string): number[] {
  const tensor = g.tensorOf(name)
  if (tensor) return numbersOf(tensor)
  throw untrainable(
    `node '${node.name}' (${node.op}) has ${what} that are computed while it runs. Export it with constant ones`,
  )
}

export const separableRules = {
  AveragePool: { rule: averagePool },
  Pad: { rule: pad },
  Resize: { rule: resize },
} as const satisfies Record<string, { readonly rule: Rule }>
