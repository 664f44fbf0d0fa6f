import { QontrastError } from '../../shared/index.ts'
import { isKnownOp, ops } from '../ops.ts'
import { numbersOf, sizeOf, type TensorValue } from '../tensor.ts'
import type { Dim, Dims, Graph, GraphNode, ValueName, ValueType } from '../types.ts'
import type { InferContext, Inferred } from './row.ts'

/** What is known of a graph's values before it runs. */
export interface Facts {
  readonly types: Map<ValueName, ValueType>
  /** Whole numbers that values hold, other than constants. */
  readonly ints: Map<ValueName, Dims>
  tensorOf(name: ValueName): TensorValue | undefined
}

/** Of a graph whose nodes are still to be inferred; `types` are known already. */
export function createFacts(
  graph: Pick<Graph, 'inputs' | 'initializers'>,
  types: ReadonlyMap<ValueName, ValueType> = new Map(),
): Facts {
  const known = new Map(types)
  for (const { name, type } of graph.inputs) if (type) known.set(name, type)
  for (const [name, { dtype, dims }] of graph.initializers) known.set(name, { dtype, dims })
  return { types: known, ints: new Map(), tensorOf: (name) => graph.initializers.get(name) }
}

/** The types of a node's outputs, as its operator's row says; none where an input's type is not known. `model-invalid` where they do not go together. */
export function inferNode(node: GraphNode, facts: Facts): readonly Inferred[] {
  if (!isKnownOp(node.op)) return []
  const { inputs, infer } = ops[node.op]
  const isKnown = (name: ValueName, index: number) =>
    name === '' ? index >= inputs[0] : facts.types.get(name)?.dims !== undefined
  if (node.inputs.length < inputs[0] || !node.inputs.every(isKnown)) return []
  return infer(contextOf(node, facts))
}

/**
 * Infers a node's outputs and notes them among the facts, where nothing is known of them yet. A dim that is known only when the graph runs
 * is a symbol of its own, named after the value and the axis.
 */
export function noteNode(node: GraphNode, facts: Facts): void {
  for (const [i, { dtype, dims, ints }] of inferNode(node, facts).entries()) {
    const name = node.outputs[i] ?? ''
    if (name === '') continue
    if (ints) facts.ints.set(name, ints)
    if (!facts.types.has(name))
      facts.types.set(name, { dtype, dims: dims?.map((dim, axis) => dim ?? `${name}.${axis}`) })
  }
}

/** The types of all values of a graph, as far as they follow from its inputs and weights, or from those given. */
export function inferTypes(graph: Graph, given?: ReadonlyMap<ValueName, ValueType>): ReadonlyMap<ValueName, ValueType> {
  const facts = createFacts(graph, given)
  for (const node of graph.nodes) noteNode(node, facts)
  return facts.types
}

/** A type as it is printed: `float32[batch, 384]`. */
export function typeText(type: ValueType | undefined): string {
  if (!type) return '?'
  return `${type.dtype}${type.dims ? `[${type.dims.join(', ')}]` : '[…]'}`
}

/** Whether two types can be of one value: symbols may be called otherwise. */
export function agree(a: ValueType | undefined, b: ValueType): boolean {
  if (!a) return true
  if (a.dtype !== b.dtype) return false
  const isOther = (dim: Dim, axis: number) => {
    const other = b.dims?.[axis]
    return typeof dim === 'number' && typeof other === 'number' && dim !== other
  }
  return !a.dims || !b.dims || (a.dims.length === b.dims.length && !a.dims.some(isOther))
}

const mostInts = 64

function contextOf(node: GraphNode, { types, ints, tensorOf }: Facts): InferContext {
  const nameAt = (index: number) => node.inputs[index] ?? ''
  const typeAt = (index: number) => {
    const type = types.get(nameAt(index))
    if (type?.dims) return { dtype: type.dtype, dims: type.dims }
    throw new QontrastError('internal', `${node.op} '${node.name}' has no input ${index}`)
  }
  return {
    node,
    has: (index) => nameAt(index) !== '',
    dtype: (index) => typeAt(index).dtype,
    dims: (index) => typeAt(index).dims,
    ints: (index) => ints.get(nameAt(index)) ?? intsIn(tensorOf(nameAt(index))),
    tensor: (index) => tensorOf(nameAt(index)),
    fail(reason) {
      const given = node.inputs.map((name) => `${name || '_'}: ${typeText(types.get(name))}`).join(', ')
      throw new QontrastError('model-invalid', `${node.op} '${node.name}' cannot be given (${given}): ${reason}.`)
    },
  }
}

/** Numbers of a small constant. */
function intsIn(tensor: TensorValue | undefined): Dims | undefined {
  if (!tensor || (tensor.dtype !== 'int64' && tensor.dtype !== 'int32')) return undefined
  return tensor.dims.length < 2 && sizeOf(tensor.dims) <= mostInts ? numbersOf(tensor) : undefined
}
