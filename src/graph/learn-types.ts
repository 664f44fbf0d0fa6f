import { QontrastError } from '../shared/index.ts'
import { productOf, sizeAt } from './dims.ts'
import { createFacts, inferNode } from './infer/infer.ts'
import type { Inferred } from './infer/row.ts'
import type { DType, TensorValue } from './tensor.ts'
import type { Dim, Model, ValueName, ValueType } from './types.ts'

/** Runs a model on each set of inputs and gives all its outputs. */
export type Evaluate = (
  model: Model,
  feeds: readonly Readonly<Record<ValueName, TensorValue>>[],
) => Promise<ReadonlyMap<ValueName, TensorValue>[]>

/** Sizes of the symbols in one run: `{ batch: 3, sequence: 7 }`. */
export type Sizes = Readonly<Record<string, number>>

/**
 * The type of every value, from running the model at two sizes with every value an output. What follows from the inputs by inference holds at both sizes,
 * or the model is refused; what does not is fitted to the symbols: a constant, a symbol, a product of two, or a multiple of these. What fits none is left
 * without dims.
 */
export async function learnTypes(
  model: Model,
  evaluate: Evaluate,
  runs: readonly [first: Run, second: Run],
): Promise<ReadonlyMap<ValueName, ValueType>> {
  const names = model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '')
  const outputs = names.map((name) => ({ name, type: undefined }))
  const seen = await evaluate(
    { ...model, graph: { ...model.graph, outputs } },
    runs.map(({ feeds }) => feeds),
  )
  const types = new Map<ValueName, ValueType>()
  const facts = createFacts(model.graph)
  const learn = (name: ValueName, inferred: Inferred | undefined) => {
    const [first, second] = seen.map((values) => values.get(name))
    if (!first || !second) return
    const observed = {
      dtype: first.dtype,
      dims: [first.dims, second.dims],
      sizes: [runs[0].sizes, runs[1].sizes],
    } as const
    if (inferred) check(name, inferred, observed)
    const type = { dtype: first.dtype, dims: dimsOf(inferred, observed) }
    types.set(name, type)
    facts.types.set(name, type)
    if (inferred?.ints) facts.ints.set(name, inferred.ints)
  }
  for (const node of model.graph.nodes) {
    const inferred = inferNode(node, facts)
    for (const [i, name] of node.outputs.entries()) if (name !== '') learn(name, inferred[i])
  }
  return types
}

/** What a value was in two runs. */
interface Observed {
  readonly dtype: DType
  readonly dims: readonly [readonly number[], readonly number[]]
  readonly sizes: readonly [Sizes, Sizes]
}

function check(name: ValueName, inferred: Inferred, { dtype, dims, sizes }: Observed): void {
  const isRight = (dim: Dim | undefined, axis: number) =>
    dim === undefined || dims.every((seen, run) => (sizeAt(dim, sizes[run] ?? {}) ?? seen[axis]) === seen[axis])
  const sameRank = dims.every((seen) => seen.length === (inferred.dims?.length ?? seen.length))
  if (dtype === inferred.dtype && sameRank && (inferred.dims ?? []).every(isRight)) return
  const given = inferred.dims?.map((dim) => dim ?? '?').join(', ') ?? '…'
  throw new QontrastError(
    'model-invalid',
    `'${name}' is ${inferred.dtype}[${given}] by its inputs, but running the model gave ${dims.map((seen) => `${dtype}[${seen.join(', ')}]`).join(' and ')}. If ONNX Runtime runs this model well, please report it.`,
  )
}

function dimsOf(inferred: Inferred | undefined, { dims: [a, b], sizes }: Observed): Dim[] | undefined {
  if (a.length !== b.length) return undefined
  const known = a.map((dim, axis) => inferred?.dims?.[axis] ?? fitDim(dim, b[axis] ?? 0, sizes))
  return known.every((dim) => dim !== undefined) ? known : undefined
}

export interface Run {
  readonly sizes: Sizes
  readonly feeds: Readonly<Record<ValueName, TensorValue>>
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
    if (Number.isInteger(factor) && factor * sizeIn(second) === b) return productOf([factor, ...names])
  }
  return undefined
}
