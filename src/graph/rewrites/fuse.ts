import { createBuilder } from '../builder.ts'
import { productOf } from '../dims.ts'
import { renameReads } from '../reads.ts'
import { numbersOf } from '../tensor.ts'
import type { Graph, GraphNode, ValueName, ValueType } from '../types.ts'
import { prune } from './prune.ts'

interface Context {
  readonly graph: Graph
  readonly types: ReadonlyMap<ValueName, ValueType>
  readonly producer: ReadonlyMap<ValueName, GraphNode>
  /** Nodes that read a value; a graph output counts as one more reader, without a node. */
  readonly readers: ReadonlyMap<ValueName, readonly (GraphNode | undefined)[]>
}

/** A graph with the types of its values. */
export interface TypedGraph {
  readonly graph: Graph
  readonly types: ReadonlyMap<ValueName, ValueType>
}

/** Gelu written out with Erf becomes one node; a product with a weight matrix, and the bias added to it, one Gemm over all tokens. */
export function fuse({ graph, types }: TypedGraph): TypedGraph {
  const given = new Map<ValueName, ValueType>(types)
  for (const { name, type } of graph.inputs) if (type) given.set(name, type)
  for (const [name, { dtype, dims }] of graph.initializers) given.set(name, { dtype, dims })
  return fuseLinear({ graph: fuseGelu(graph), types: given })
}

/** `0.5 · x · (1 + erf(x / √2))`, in whatever order the exporter multiplies. */
function fuseGelu(graph: Graph): Graph {
  const context = contextOf({ graph, types: new Map() })
  const fused = new Map<ValueName, ValueName>()
  for (const node of graph.nodes) {
    if (node.op !== 'Erf') continue
    const scaled = context.producer.get(node.inputs[0] ?? '')
    const x = scaled && scaledInput(scaled, graph)
    const plusOne = onlyReader(node, context)
    if (x === undefined || !plusOne || plusOne.op !== 'Add' || constantBeside(plusOne, node.outputs[0], graph) !== 1)
      continue
    const result = geluResult(plusOne, x, context)
    if (result !== undefined) fused.set(result, x)
  }
  if (fused.size === 0) return graph
  const nodes = graph.nodes.map((node): GraphNode => {
    const x = fused.get(node.outputs[0] ?? '')
    return x === undefined ? node : { name: node.name, op: 'Gelu', inputs: [x], outputs: node.outputs, attributes: {} }
  })
  return prune({ ...graph, nodes })
}

/** The x of x / √2 or x · (1 / √2). */
function scaledInput(node: GraphNode, graph: Graph): ValueName | undefined {
  const [x = '', factor = ''] = node.inputs
  const scale = scalarOf(factor, graph)
  const expected = node.op === 'Div' ? Math.SQRT2 : node.op === 'Mul' ? Math.SQRT1_2 : undefined
  return scale !== undefined && expected !== undefined && Math.abs(scale - expected) < 1e-6 ? x : undefined
}

/** The value of the whole product: (x · (1 + erf)) · 0.5, or (x · 0.5) · (1 + erf). */
function geluResult(plusOne: GraphNode, x: ValueName, context: Context): ValueName | undefined {
  const product = onlyReader(plusOne, context)
  if (product?.op !== 'Mul') return undefined
  const other = product.inputs.find((name) => name !== plusOne.outputs[0]) ?? ''
  if (other === x) {
    const half = onlyReader(product, context)
    if (half?.op === 'Mul' && constantBeside(half, product.outputs[0], context.graph) === 0.5) return half.outputs[0]
    return undefined
  }
  const halved = context.producer.get(other)
  if (halved?.op === 'Mul' && halved.inputs.includes(x) && constantBeside(halved, x, context.graph) === 0.5)
    return product.outputs[0]
  return undefined
}

/** Large products are fastest as one Gemm over `[tokens, features]`; so are its gradients. */
function fuseLinear({ graph, types }: TypedGraph): TypedGraph {
  const context = contextOf({ graph, types })
  const g = createBuilder({ ...graph, nodes: [], outputs: [] }, types)
  const renamed = new Map<ValueName, ValueName>()
  const absorbed = new Set<GraphNode>()
  for (const node of graph.nodes) {
    if (absorbed.has(node)) continue
    const linear = linearOf(node, context)
    if (!linear) {
      g.append(renameReads(node, (name) => renamed.get(name) ?? name))
      continue
    }
    const { weight, bias, add, dims, features } = linear
    const x = renamed.get(node.inputs[0] ?? '') ?? node.inputs[0] ?? ''
    const width = dims.at(-1) ?? 0
    const rows = productOf(dims.slice(0, -1))
    const flat = dims.length === 2 ? x : g.reshape(x, [rows, width])
    const gemm = g.op('Gemm', [flat, weight, ...(bias === undefined ? [] : [bias])])
    const result = dims.length === 2 ? gemm : g.reshape(gemm, [...dims.slice(0, -1), features])
    const [replaced = ''] = (add ?? node).outputs
    if (add) absorbed.add(add)
    renamed.set(replaced, result)
  }
  const outputs = graph.outputs.map(({ name }) => renamed.get(name) ?? name)
  for (const name of outputs) g.output(name)
  const built = g.build(graph.name)
  return {
    graph: { ...built, outputs: graph.outputs.map(({ type }, i) => ({ name: outputs[i] ?? '', type })) },
    types: g.types(),
  }
}

function linearOf(node: GraphNode, { graph, types, readers }: Context) {
  if (node.op !== 'MatMul') return undefined
  const [x = '', weight = ''] = node.inputs
  const dims = types.get(x)?.dims
  const matrix = types.get(weight)?.dims
  if (!dims || dims.length < 2 || matrix?.length !== 2 || !isGiven(weight, graph)) return undefined
  const features = matrix[1] ?? 0
  const [only, ...others] = readers.get(node.outputs[0] ?? '') ?? []
  const add = only?.op === 'Add' && others.length === 0 ? only : undefined
  const bias = add?.inputs.find((name) => name !== node.outputs[0])
  const biasDims = bias === undefined ? undefined : types.get(bias)?.dims
  const isBias = bias !== undefined && isGiven(bias, graph) && biasDims?.length === 1 && biasDims[0] === features
  return isBias ? { weight, bias, add, dims, features } : { weight, bias: undefined, add: undefined, dims, features }
}

/** Given from outside: an input or a weight, so that it is there before any node runs. */
function isGiven(name: ValueName, graph: Graph): boolean {
  return graph.initializers.has(name) || graph.inputs.some((input) => input.name === name)
}

function contextOf({ graph, types }: TypedGraph): Context {
  const producer = new Map<ValueName, GraphNode>()
  const readers = new Map<ValueName, (GraphNode | undefined)[]>()
  const note = (name: ValueName, node: GraphNode | undefined) => {
    const list = readers.get(name)
    if (list) list.push(node)
    else readers.set(name, [node])
  }
  for (const node of graph.nodes) {
    for (const name of node.outputs) producer.set(name, node)
    for (const name of node.inputs) note(name, node)
  }
  for (const { name } of graph.outputs) note(name, undefined)
  return { graph, types, producer, readers }
}

function onlyReader({ outputs: [name = ''] }: GraphNode, { readers }: Context): GraphNode | undefined {
  const [reader, ...others] = readers.get(name) ?? []
  return others.length === 0 ? reader : undefined
}

function constantBeside(node: GraphNode, name: ValueName | undefined, graph: Graph): number | undefined {
  const other = node.inputs.find((input) => input !== name)
  return other === undefined ? undefined : scalarOf(other, graph)
}

function scalarOf(name: ValueName, { initializers }: Graph): number | undefined {
  const tensor = initializers.get(name)
  if (tensor?.dtype !== 'float32' || tensor.dims.length > 1) return undefined
  const [value, ...others] = tensor.bytes.length <= 8 ? numbersOf(tensor) : []
  return others.length === 0 ? value : undefined
}
