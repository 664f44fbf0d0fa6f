import { type Dims, intOf, transposedWindowsOf, type ValueName, windowsOf } from '../../../graph/index.ts'
import { type Rule, type RuleContext, untrainable } from '../rule.ts'
import { type Convolution, convAttributes, imageGradient, weightGradient } from './convolution-forms.ts'
import { type SizedWindow, sizedWindows } from './sized-windows.ts'

/** y = x ∗ w + b: dx is the transposed convolution of dy; dw sums dy times what each place of the window saw; db sums dy. */
const conv: Rule = (context, upstream) => {
  const { g, wanted, input, dims } = context
  const [image, weight] = [input(0), input(1)]
  const sizes = { image: dims(image).slice(2), kernel: dims(weight).slice(2) }
  const windows = sizedWindows(context, windowsOf, sizes)
  const one = convolutionOf(context, windows, { image: dims(image), weight: dims(weight) })
  return [
    wanted[0] ? imageGradient(g, one, upstream, weight) : null,
    wanted[1] ? weightGradient(g, one, { image, result: upstream }) : null,
    ...(wanted[2] ? [channelSums(context, upstream)] : []),
  ]
}

/** Its result is the image of the convolution that would give its input: dx is that convolution of dy, dw that convolution's, with x for its gradient. */
const convTranspose: Rule = (context, upstream) => {
  const { g, wanted, input, output, dims } = context
  const [result, weight] = [input(0), input(1)]
  const sizes = { image: dims(result).slice(2), kernel: dims(weight).slice(2) }
  const written = sizedWindows(context, transposedWindowsOf, sizes)
  const windows = written.map((window) => ({ ...window, input: window.output, output: window.input }))
  const one = convolutionOf(context, windows, { image: dims(output()), weight: dims(weight) })
  return [
    wanted[0] ? g.op('Conv', [upstream, weight], convAttributes(windows, one.group)) : null,
    wanted[1] ? weightGradient(g, one, { image: upstream, result }) : null,
    ...(wanted[2] ? [channelSums(context, upstream)] : []),
  ]
}

function convolutionOf(
  { node }: RuleContext,
  windows: readonly SizedWindow[],
  { image: [batch = 1, channels], weight: [filters] }: { readonly image: Dims; readonly weight: Dims },
): Convolution {
  if (typeof channels === 'number' && typeof filters === 'number')
    return { batch, channels, filters, group: intOf(node, 'group', 1), windows }
  throw untrainable(
    `node '${node.name}' (${node.op}) has ${channels} channels and ${filters} filters, which must be numbers`,
  )
}

function channelSums({ g, output, dims }: RuleContext, upstream: ValueName): ValueName {
  const axes = dims(output()).flatMap((_, axis) => (axis === 1 ? [] : [axis]))
  return g.op('ReduceSum', [upstream, g.ints(axes)], { keepdims: 0 })
}

export const convolutionRules = {
  Conv: { rule: conv },
  ConvTranspose: { rule: convTranspose },
} as const satisfies Record<string, { readonly rule: Rule }>
