import type { TensorValue } from './tensor.ts'
import type { Dim, Model, ValueName, ValueType } from './types.ts'

/** Runs a model on each set of inputs and gives all its outputs. */
export type Evaluate = (
  model: Model,
  feeds: readonly Readonly<Record<ValueName, TensorValue>>[],
) => Promise<ReadonlyMap<ValueName, TensorValue>[]>

/** Sizes of the symbols in one run: `{ batch: 3, sequence: 7 }`. */
export type Sizes = Readonly<Record<string, number>>

/**
 * Learns the type of every value by running the model at two sizes, every value an output, and fitting each dim to the symbols: a constant, a symbol,
 * a product of two, or a multiple of these. What fits none is left without dims.
 */
export async function learnTypes(
  model: Model,
  evaluate: Evaluate,
  runs: readonly [first: Run, second: Run],
): Promise<ReadonlyMap<ValueName, ValueType>> {
  const names = model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '')
  const outputs = names.map((name) => ({ name, type: undefined }))
  const [first, second] = await evaluate(
    { ...model, graph: { ...model.graph, outputs } },
    runs.map(({ feeds }) => feeds),
  )
  const types = new Map<ValueName, ValueType>()
  for (const [name, { dtype, dims }] of first ?? []) {
    const other = second?.get(name)?.dims
    types.set(name, { dtype, dims: other && fitDims(dims, other, [runs[0].sizes, runs[1].sizes]) })
  }
  return types
}

export interface Run {
  readonly sizes: Sizes
  readonly feeds: Readonly<Record<ValueName, TensorValue>>
}

function fitDims(a: readonly number[], b: readonly number[], sizes: readonly [Sizes, Sizes]): Dim[] | undefined {
  if (a.length !== b.length) return undefined
  const fitted = a.map((dim, axis) => fitDim(dim, b[axis] ?? 0, sizes))
  return fitted.every((dim) => dim !== undefined) ? fitted : undefined
}

function fitDim(a: number, b: number, [first, second]: readonly [Sizes, Sizes]): Dim | undefined {
  if (a === b) return a
  const symbols = Object.keys(first)
  const products = [
    ...symbols.map((symbol) => [symbol]),
    ...symbols.flatMap((one, i) => symbols.slice(i).map((other) => [one, other])),
  ]
  for (const names of products) {
    const sizeIn = (sizes: Sizes) => names.reduce((product, name) => product * (sizes[name] ?? 0), 1)
    const factor = a / sizeIn(first)
    if (Number.isInteger(factor) && factor * sizeIn(second) === b)
      return [...(factor === 1 ? [] : [factor]), ...names.toSorted()].join('*')
  }
  return undefined
}
