import { QontrastError } from '../shared/index.ts'
import { type AttributeInput, toAttribute } from './attributes.ts'
import type { Atom } from './dim-text.ts'
import { termsOf } from './dims.ts'
import { agree, createFacts, noteNode, typeText } from './infer/infer.ts'
import { type OpName, ops } from './ops.ts'
import { type DType, float32Tensor, int64Tensor, type TensorValue } from './tensor.ts'
import type { Dim, Dims, Graph, GraphNode, GraphValue, ValueName, ValueType } from './types.ts'

/** Writes a graph node by node. The types of values follow from those of the inputs; constants are shared. */
export interface GraphBuilder {
  /** Adds a node with one output. `model-invalid` where the inputs' types do not go together. */
  op(op: OpName, inputs: readonly ValueName[], attributes?: Attributes): ValueName
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
  /** The same value, through which no gradient flows. */
  stop(value: ValueName): ValueName
  /** Whether it gives a value, an input or a constant of this name. */
  has(value: ValueName): boolean
  typeOf(value: ValueName): ValueType | undefined
  /** All types that are known. */
  types(): ReadonlyMap<ValueName, ValueType>
  /** Dims that must be known: `model-invalid` where they are not. */
  dimsOf(value: ValueName): Dims
  /** Says a type that is not inferred, or by other symbols; `model-invalid` where it contradicts what is inferred. */
  setType(value: ValueName, type: ValueType): void
  tensorOf(value: ValueName): TensorValue | undefined
  nodes(): readonly GraphNode[]
  /** The graph with the outputs named so far. */
  build(name?: string): Graph
}

type Attributes = Readonly<Record<string, AttributeInput | undefined>>

function misused(reason: string): QontrastError {
  return new QontrastError('invalid-input', `The graph cannot be written: ${reason}.`)
}

/** A builder that goes on from a graph; with none, from nothing. */
export function createBuilder(from?: Graph, types: ReadonlyMap<ValueName, ValueType> = new Map()): GraphBuilder {
  const inputs: GraphValue[] = [...(from?.inputs ?? [])]
  const outputs: GraphValue[] = [...(from?.outputs ?? [])]
  const initializers = new Map(from?.initializers)
  const nodes: GraphNode[] = [...(from?.nodes ?? [])]
  const facts = createFacts({ inputs, initializers }, types)
  const { types: known } = facts
  for (const node of nodes) noteNode(node, facts)
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
    if (names.has(name)) throw misused(`two values are named '${name}'`)
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
      throw misused(
        `${op} was given ${given.length} inputs; it takes ${arity[0]}${arity[1] > arity[0] ? ' or more' : ''}`,
      )
    const missing = given.findIndex((name, index) => (name === '' ? index < arity[0] : !names.has(name)))
    if (missing >= 0) throw misused(`input ${missing} of ${op} is '${given[missing]}', which is no value of this graph`)
    const entries = Object.entries(attributes).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, toAttribute(value)] as const],
    )
    const node = {
      name: results[0] ?? '',
      op,
      inputs: [...given],
      outputs: [...results],
      attributes: Object.fromEntries(entries),
    }
    nodes.push(node)
    noteNode(node, facts)
  }

  const builder: GraphBuilder = {
    op(op, given, attributes = {}) {
      const result = fresh(op.slice(op.lastIndexOf('.') + 1))
      add(op, given, [result], attributes)
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
      if (!names.has(name)) throw misused(`the output '${name}' is no value of it`)
      outputs.push({ name, type: known.get(name) })
    },
    initializer,
    append(node) {
      for (const name of node.outputs) if (name !== '') claim(name)
      nodes.push(node)
      noteNode(node, facts)
    },
    scalar: (value) => constant(`scalar ${value}`, () => float32Tensor([value], [])),
    floats: (values, dims = [values.length]) => constant(`floats ${dims} ${values}`, () => float32Tensor(values, dims)),
    ints: (values) => constant(`ints ${values}`, () => int64Tensor(values)),
    shape: (dims) => shapeOf(dims),
    reshape(value, dims) {
      const dtype: DType = known.get(value)?.dtype ?? 'float32'
      const result = builder.op('Reshape', [value, builder.shape(dims)])
      builder.setType(result, { dtype, dims })
      return result
    },
    stop: (value) => builder.op('qontrast.StopGradient', [value]),
    has: (value) => names.has(value),
    typeOf: (value) => known.get(value),
    types: () => known,
    dimsOf(value) {
      const dims = known.get(value)?.dims
      if (dims) return dims
      throw new QontrastError(
        'model-invalid',
        `The dims of '${value}' do not follow from those of the inputs, so its gradient cannot be written.`,
      )
    },
    setType(value, type) {
      const inferred = known.get(value)
      if (!agree(inferred, type))
        throw new QontrastError(
          'model-invalid',
          `'${value}' is said to be ${typeText(type)}, but ${typeText(inferred)} follows from its inputs.`,
        )
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
      return sizeOfDim(dim)
    })
    const shape = builder.op('Concat', parts, { axis: 0 })
    shared.set(key, shape)
    return shape
  }

  /** A dim as a 1-D tensor of one element. */
  function sizeOfDim(dim: Dim): ValueName {
    const terms = termsOf(dim).map(({ factor, atoms }) => {
      const sizes = atoms.map(sizeOfAtom)
      if (factor !== 1 || sizes.length === 0) sizes.unshift(builder.ints([factor]))
      return sizes.reduce((product, size) => builder.op('Mul', [product, size]))
    })
    return terms.reduce((sum, term) => builder.op('Add', [sum, term]))
  }

  function sizeOfAtom(atom: Atom): ValueName {
    if (typeof atom === 'string') return symbol(atom)
    return builder.op('Div', [sizeOfDim(atom.over), sizeOfDim(atom.under)])
  }

  /** The size of a symbol, read from a value that has it. */
  function symbol(name: string): ValueName {
    const existing = shared.get(`symbol ${name}`)
    if (existing !== undefined) return existing
    const inputNames = inputs.map((input) => input.name)
    for (const value of [...inputNames, ...nodes.flatMap((node) => node.outputs)]) {
      const axis = known.get(value)?.dims?.indexOf(name) ?? -1
      if (axis < 0) continue
      const size = builder.op('Shape', [value], { start: axis, end: axis + 1 })
      shared.set(`symbol ${name}`, size)
      return size
    }
    throw new QontrastError('internal', `no value has the dim '${name}'`)
  }

  return builder
}
