import { type Dim, type GraphBuilder, productOf, spanOf, type ValueName } from '../../../graph/index.ts'
import type { SizedWindow } from './sized-windows.ts'

/** A convolution that reads an image `[batch, channels, …]` and gives `[batch, filters, …]`; a transposed one is the same from the other end. */
export interface Convolution {
  readonly batch: Dim
  readonly channels: number
  readonly filters: number
  readonly group: number
  readonly windows: readonly SizedWindow[]
}

interface Ends {
  readonly image: ValueName
  /** Has the dims of what the convolution gives. */
  readonly result: ValueName
}

export type WeightForm = keyof typeof weightForms
export type ImageForm = keyof typeof imageForms

/** The gradient of the weights, in a form that suits the window (docs/decisions/images.md). */
export function weightGradient(g: GraphBuilder, one: Convolution, ends: Ends): ValueName {
  const places = one.windows.reduce((product, { kernel }) => product * kernel, 1)
  if (places > 32) return weightForms.swapped(g, one, ends)
  return one.channels / one.group > 8 ? weightForms.slices(g, one, ends) : weightForms.columns(g, one, ends)
}

/** The gradient of the image; a Conv with the weights turned round is the faster form where the window moves one step at a time. */
export function imageGradient(g: GraphBuilder, one: Convolution, result: ValueName, weight: ValueName): ValueName {
  const form = turnedRound(one.windows) ? 'turned' : 'transposed'
  return imageForms[form](g, one, result, weight)
}

/** Each gives `[filters, channels / group, …kernel]`. */
export const weightForms = {
  /** For each place of the window, the gradient times what the place saw. */
  slices(g: GraphBuilder, one: Convolution, ends: Ends): ValueName {
    const result = asMatrix(g, one, ends.result, one.filters)
    const parts = seen(g, one, ends.image).map((part) =>
      g.reshape(product(g, one, result, part), [1, one.filters, one.channels / one.group]),
    )
    return g.reshape(g.op('Transpose', [joined(g, parts, 0)], { perm: [1, 2, 0] }), weightDims(one))
  },
  /** The same with all places in one product. */
  columns(g: GraphBuilder, one: Convolution, ends: Ends): ValueName {
    const { group, channels } = one
    const lead = group === 1 ? [] : [group]
    const parts = seen(g, one, ends.image)
    const columns = joined(
      g,
      parts.map((part) => g.reshape(part, [...lead, channels / group, 1, positionsOf(one)])),
      lead.length + 1,
    )
    const matrix = g.reshape(columns, [...lead, (channels / group) * parts.length, positionsOf(one)])
    return g.reshape(product(g, one, asMatrix(g, one, ends.result, one.filters), matrix), weightDims(one))
  },
  /** A convolution with the gradient for its weights: batch and channels change places, steps and dilation too. */
  swapped(g: GraphBuilder, one: Convolution, { image, result }: Ends): ValueName {
    const { windows, group, channels, batch } = one
    const sizes = windows.map(({ input }) => input)
    const apart = group === 1 ? image : g.reshape(image, [batch, group, channels / group, ...sizes])
    const axes = sizes.map((_, axis) => axis + 3)
    const images =
      group === 1
        ? exchanged(g, image, windows)
        : g.reshape(g.op('Transpose', [apart], { perm: [2, 1, 0, ...axes] }), [
            channels / group,
            productOf([group, batch]),
            ...sizes,
          ])
    const moved = windows.map(({ stride, dilation, ...window }) => ({ ...window, stride: dilation, dilation: stride }))
    const all = g.op('Conv', [images, exchanged(g, result, windows)], convAttributes(moved, group))
    const weights = exchanged(g, all, windows)
    if (windows.every((window) => unseen(window) < window.dilation)) return weights
    const [starts, ends, along] = [
      windows.map(() => 0),
      windows.map(({ kernel }) => kernel),
      windows.map((_, i) => i + 2),
    ]
    return g.op('Slice', [weights, g.ints(starts), g.ints(ends), g.ints(along)])
  },
} as const

/** Each gives the dims of the image. */
export const imageForms = {
  transposed(g: GraphBuilder, { windows, group }: Convolution, result: ValueName, weight: ValueName): ValueName {
    return g.op('ConvTranspose', [result, weight], {
      ...convAttributes(windows, group),
      output_padding: windows.map(unseen),
    })
  },
  turned(g: GraphBuilder, one: Convolution, result: ValueName, weight: ValueName): ValueName {
    return g.op(
      'Conv',
      [result, turnedWeight(g, one, weight)],
      convAttributes(turnedRound(one.windows) ?? [], one.group),
    )
  },
} as const

/** The windows of the Conv that goes back; undefined where it would need steps of less than one, or negative pads. */
function turnedRound(windows: readonly SizedWindow[]): SizedWindow[] | undefined {
  const turned = windows.map((window) => ({
    ...window,
    before: spanOf(window) - 1 - window.before,
    after: spanOf(window) - 1 - window.after,
  }))
  return turned.every(({ stride, before, after }) => stride === 1 && before >= 0 && after >= 0) ? turned : undefined
}

/** `[filters, channels / group, …kernel]` → `[channels, filters / group, …kernel]`, each kernel from its end to its beginning. */
function turnedWeight(g: GraphBuilder, one: Convolution, weight: ValueName): ValueName {
  const { windows, group, channels, filters } = one
  const axes = windows.map((_, axis) => axis + 2)
  const back = windows.map(() => -1)
  const ends = windows.map(({ kernel }) => -kernel - 1)
  const isPoint = windows.every(({ kernel }) => kernel === 1)
  const mirrored = isPoint ? weight : g.op('Slice', [weight, g.ints(back), g.ints(ends), g.ints(axes), g.ints(back)])
  if (group === 1) return exchanged(g, mirrored, windows)
  const kernel = windows.map((window) => window.kernel)
  const apart = g.reshape(mirrored, [group, filters / group, channels / group, ...kernel])
  const swapped = g.op('Transpose', [apart], { perm: [0, 2, 1, ...axes.map((axis) => axis + 1)] })
  return g.reshape(swapped, [channels, filters / group, ...kernel])
}

/** What each place of the window saw: `[channels, batch · positions]`, of groups `[group, channels / group, …]`. */
function seen(g: GraphBuilder, one: Convolution, image: ValueName): ValueName[] {
  const { windows, channels } = one
  const around = [0, 0, ...windows.map(({ before }) => before), 0, 0, ...windows.map(({ after }) => after)]
  const padded = around.some((pad) => pad > 0) ? g.op('Pad', [image, g.ints(around)]) : image
  const turned = exchanged(g, padded, windows)
  const axes = g.ints(windows.map((_, axis) => axis + 2))
  const strides = g.ints(windows.map(({ stride }) => stride))
  return placesOf(windows).map((place) => {
    const starts = windows.map(({ dilation }, axis) => (place[axis] ?? 0) * dilation)
    const ends = windows.map(({ output, stride }, axis) => (starts[axis] ?? 0) + (output - 1) * stride + 1)
    const part = g.op('Slice', [turned, g.ints(starts), g.ints(ends), axes, strides])
    return grouped(g, one, part, channels)
  })
}

/** All places of a window, the last axis fastest. */
function placesOf(windows: readonly SizedWindow[]): number[][] {
  return windows.reduce<number[][]>(
    (places, { kernel }) => places.flatMap((place) => Array.from({ length: kernel }, (_, k) => [...place, k])),
    [[]],
  )
}

/** `[batch, channels, …positions]` → `[channels, batch · positions]`. */
function asMatrix(g: GraphBuilder, one: Convolution, value: ValueName, channels: number): ValueName {
  return grouped(g, one, exchanged(g, value, one.windows), channels)
}

function grouped(g: GraphBuilder, one: Convolution, value: ValueName, channels: number): ValueName {
  const lead = one.group === 1 ? [channels] : [one.group, channels / one.group]
  return g.reshape(value, [...lead, positionsOf(one)])
}

function positionsOf({ batch, windows }: Convolution): Dim {
  return productOf([batch, ...windows.map(({ output }) => output)])
}

/** `a bᵀ`, of groups each by itself. */
function product(g: GraphBuilder, { group }: Convolution, a: ValueName, b: ValueName): ValueName {
  if (group === 1) return g.op('Gemm', [a, b], { transB: 1 })
  return g.op('MatMul', [a, g.op('Transpose', [b], { perm: [0, 2, 1] })])
}

/** The first two axes change places. */
function exchanged(g: GraphBuilder, value: ValueName, windows: readonly SizedWindow[]): ValueName {
  return g.op('Transpose', [value], { perm: [1, 0, ...windows.map((_, axis) => axis + 2)] })
}

function joined(g: GraphBuilder, parts: readonly ValueName[], axis: number): ValueName {
  const [first = '', ...others] = parts
  return others.length === 0 ? first : g.op('Concat', parts, { axis })
}

function weightDims({ filters, channels, group, windows }: Convolution): number[] {
  return [filters, channels / group, ...windows.map(({ kernel }) => kernel)]
}

/** Places at the end of an image, and of what was put around it, that no window saw. */
function unseen(window: SizedWindow): number {
  return window.before + window.input + window.after - spanOf(window) - (window.output - 1) * window.stride
}

export function convAttributes(windows: readonly SizedWindow[], group: number) {
  return {
    strides: windows.map(({ stride }) => stride),
    dilations: windows.map(({ dilation }) => dilation),
    pads: [...windows.map(({ before }) => before), ...windows.map(({ after }) => after)],
    group: group === 1 ? undefined : group,
  }
}
