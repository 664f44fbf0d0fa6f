import { QontrastError } from '../shared/index.ts'
import { type AttributeInput, toAttribute } from './attributes.ts'
import { factorsOf } from './dims.ts'
import { type OpName, ops } from './ops.ts'
import { type DType, float32Tensor, int64Tensor, type TensorValue } from './tensor.ts'
import type { Dims, Graph, GraphNode, GraphValue, ValueName, ValueType } from './types.ts'

/** Writes a graph node by node. Values carry their type where it is known; constants are shared. */
export interface GraphBuilder {
  /** Adds a node with one output. */
  op(op: OpName, inputs: readonly ValueName[], attributes?: Attributes, options?: NodeOptions): ValueName
  /** Adds a node with several outputs. */
  ops(op: OpName, inputs: readonly ValueName[], outputs: number, attributes?: Attributes): ValueName[]
  input(name: ValueName, type: ValueType): ValueName
  output(name: ValueName): void
  initializer(name: ValueName, tensor: TensorValue): ValueName
  /** Takes over a node as it is. */
  append(node: GraphNode): void
  scalar(value: number): ValueName
  floats(values: readonly number[], dims?: readonly number[]): ValueName
  ints(values: readonly number[]): ValueName
  /** A 1-D int64 tensor that holds these dims when the graph runs; at most one of them is left for Reshape to work out (-1). */
  shape(dims: Dims): ValueName
  reshape(value: ValueName, dims: Dims): ValueName
  typeOf(value: ValueName): ValueType | undefined
  /** All types that are known. */
  types(): ReadonlyMap<ValueName, ValueType>
  /** Dims that must be known: `model-invalid` where they are not. */
  dimsOf(value: ValueName): Dims
  setType(value: ValueName, type: ValueType): void
  tensorOf(value: ValueName): TensorValue | undefined
  nodes(): readonly GraphNode[]
  /** The graph with the outputs named so far. */
  build(name?: string): Graph
}

type Attributes = Readonly<Record<string, AttributeInput | undefined>>

interface NodeOptions {
  /** Of the output, where it is known. */
  readonly type?: ValueType
}

/** A builder that goes on from a graph; with none, from nothing. */
export function createBuilder(from?: Graph, types: ReadonlyMap<ValueName, ValueType> = new Map()): GraphBuilder {
  const inputs: GraphValue[] = [...(from?.inputs ?? [])]
  const outputs: GraphValue[] = [...(from?.outputs ?? [])]
  const initializers = new Map(from?.initializers)
  const nodes: GraphNode[] = [...(from?.nodes ?? [])]
  const known = new Map<ValueName, ValueType>(types)
  for (const { name, type } of inputs) if (type) known.set(name, type)
  for (const [name, { dtype, dims }] of initializers) known.set(name, { dtype, dims })
  const names = new Set([
    ...inputs.map(({ name }) => name),
    ...initializers.keys(),
    ...nodes.flatMap((node) => node.outputs),
  ])
  const counters = new Map<string, number>()
  const shared = new Map<string, ValueName>()

  function fresh(stem: string): ValueName {
    for (;;) {
      const count = (counters.get(stem) ?? 0) + 1
      counters.set(stem, count)
      const name = `${stem}_${count}`
      if (!names.has(name) && !known.has(name)) return claim(name)
    }
  }

  function claim(name: ValueName): ValueName {
    if (names.has(name)) throw new QontrastError('internal', `the graph has two values named '${name}'`)
    names.add(name)
    return name
  }

  function constant(key: string, make: () => TensorValue): ValueName {
    const existing = shared.get(key)
    if (existing !== undefined) return existing
    const name = initializer(fresh('constant'), make())
    shared.set(key, name)
    return name
  }

  function initializer(name: ValueName, tensor: TensorValue): ValueName {
    names.add(name)
    initializers.set(name, tensor)
    known.set(name, { dtype: tensor.dtype, dims: tensor.dims })
    return name
  }

  function add(op: OpName, given: readonly ValueName[], results: readonly ValueName[], attributes: Attributes): void {
    const { inputs: arity } = ops[op]
    if (given.length < arity[0] || given.length > arity[1])
      throw new QontrastError('internal', `${op} was given ${given.length} inputs`)
    const unknown = given.find((name) => name !== '' && !names.has(name))
    if (unknown !== undefined) throw new QontrastError('internal', `${op} was given '${unknown}', which is no value`)
    const entries = Object.entries(attributes).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, toAttribute(value)] as const],
    )
    nodes.push({
      name: results[0] ?? '',
      op,
      inputs: [...given],
      outputs: [...results],
      attributes: Object.fromEntries(entries),
    })
  }

  const builder: GraphBuilder = {
    op(op, given, attributes = {}, { type } = {}) {
      const result = fresh(op.slice(op.lastIndexOf('.') + 1))
      add(op, given, [result], attributes)
      if (type) known.set(result, type)
      return result
    },
    ops(op, given, count, attributes = {}) {
      const results = Array.from({ length: count }, () => fresh(op.slice(op.lastIndexOf('.') + 1)))
      add(op, given, results, attributes)
      return results
    },
    input(name, type) {
      inputs.push({ name: claim(name), type })
      known.set(name, type)
      return name
    },
    output(name) {
      if (!names.has(name)) throw new QontrastError('internal', `the output '${name}' is no value`)
      outputs.push({ name, type: known.get(name) })
    },
    initializer,
    append(node) {
      for (const name of node.outputs) if (name !== '') claim(name)
      nodes.push(node)
    },
    scalar: (value) => constant(`scalar ${value}`, () => float32Tensor([value], [])),
    floats: (values, dims = [values.length]) => constant(`floats ${dims} ${values}`, () => float32Tensor(values, dims)),
    ints: (values) => constant(`ints ${values}`, () => int64Tensor(values)),
    shape: (dims) => shapeOf(dims),
    reshape(value, dims) {
      const dtype: DType = known.get(value)?.dtype ?? 'float32'
      return builder.op('Reshape', [value, builder.shape(dims)], {}, { type: { dtype, dims } })
    },
    typeOf: (value) => known.get(value),
    types: () => known,
    dimsOf(value) {
      const dims = known.get(value)?.dims
      if (dims) return dims
      throw new QontrastError(
        'model-invalid',
        `The dims of '${value}' do not follow from the batch and the sequence, so its gradient cannot be written.`,
      )
    },
    setType(value, type) {
      known.set(value, type)
    },
    tensorOf: (value) => initializers.get(value),
    nodes: () => nodes,
    build: (name = from?.name ?? 'graph') => ({
      name,
      inputs: [...inputs],
      outputs: [...outputs],
      initializers: new Map(initializers),
      nodes: [...nodes],
      values: [],
    }),
  }

  /** One symbolic dim is left to Reshape; the others are read from the inputs that have them. */
  function shapeOf(dims: Dims): ValueName {
    const symbolic = dims.filter((dim) => typeof dim === 'string')
    if (symbolic.length <= 1) return builder.ints(dims.map((dim) => (typeof dim === 'string' ? -1 : dim)))
    const key = `shape ${dims}`
    const existing = shared.get(key)
    if (existing !== undefined) return existing
    let left = true
    const parts = dims.map((dim) => {
      if (typeof dim === 'number') return builder.ints([dim])
      if (left) {
        left = false
        return builder.ints([-1])
      }
      const { factor, symbols } = factorsOf(dim)
      return symbols
        .map(symbol)
        .reduce(
          (product, size) => (product === '' ? size : builder.op('Mul', [product, size])),
          factor === 1 ? '' : builder.ints([factor]),
        )
    })
    const shape = builder.op('Concat', parts, { axis: 0 })
    shared.set(key, shape)
    return shape
  }

  /** The size of a symbol, as a 1-D tensor of one element. */
  function symbol(name: string): ValueName {
    const existing = shared.get(`symbol ${name}`)
    if (existing !== undefined) return existing
    for (const { name: input, type } of inputs) {
      const axis = type?.dims?.indexOf(name) ?? -1
      if (axis < 0) continue
      const size = builder.op('Shape', [input], { start: axis, end: axis + 1 })
      shared.set(`symbol ${name}`, size)
      return size
    }
    throw new QontrastError('internal', `no input has a dim '${name}'`)
  }

  return builder
}
