import type { Dims, Sliding, Window } from '../../../graph/index.ts'
import { type RuleContext, untrainable } from '../rule.ts'

export type SizedWindow = Window<number>

/** Windows of a node, all of whose sizes are numbers: gradients of images are written for given heights and widths. */
export function sizedWindows(
  { node }: RuleContext,
  slide: (node: RuleContext['node'], sliding: Sliding) => readonly Window[],
  { image, kernel }: { readonly image: Dims; readonly kernel: Dims },
): SizedWindow[] {
  const refuse = (reason: string): never => {
    throw untrainable(`node '${node.name}' (${node.op}): ${reason}`)
  }
  return slide(node, { image, kernel, fail: refuse }).map((window) => {
    const { input, kernel: size, output } = window
    if (typeof input === 'number' && typeof size === 'number' && typeof output === 'number')
      return { ...window, input, kernel: size, output }
    return refuse(
      `the height and width of its image, [${image.join(', ')}], must be numbers. Export the model with fixed ones, or fix them when the graph is built`,
    )
  })
}
