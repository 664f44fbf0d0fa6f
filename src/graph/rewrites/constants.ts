import { renameReads } from '../reads.ts'
import { float32Tensor, int64Tensor, type TensorValue } from '../tensor.ts'
import type { Attribute, Graph, GraphNode, ValueName } from '../types.ts'

/** Turns `Constant` nodes into initializers and takes `Identity` out, so that patterns meet constants and producers directly. */
export function inlineConstants(graph: Graph): Graph {
  const initializers = new Map(graph.initializers)
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  const renamed = new Map<ValueName, ValueName>()
  const nodes: GraphNode[] = []
  for (const node of graph.nodes) {
    const [result = ''] = node.outputs
    const value = node.op === 'Constant' ? constantOf(node) : undefined
    if (value) {
      initializers.set(result, value)
      continue
    }
    const read = renameReads(node, (name) => renamed.get(name) ?? name)
    if (node.op === 'Identity' && !outputs.has(result)) renamed.set(result, read.inputs[0] ?? '')
    else nodes.push(read)
  }
  const given = new Set(nodes.flatMap((node) => node.outputs))
  return { ...graph, initializers, nodes, values: graph.values.filter(({ name }) => given.has(name)) }
}

function constantOf({ attributes }: GraphNode): TensorValue | undefined {
  const [attribute] = Object.values(attributes)
  return attribute && values[attribute.kind]?.(attribute)
}

const values: Partial<Record<Attribute['kind'], (attribute: Attribute) => TensorValue | undefined>> = {
  tensor: (attribute) => (attribute.kind === 'tensor' ? attribute.value : undefined),
  int: (attribute) => (attribute.kind === 'int' ? int64Tensor([Number(attribute.value)], []) : undefined),
  ints: (attribute) => (attribute.kind === 'ints' ? int64Tensor(attribute.value.map(Number)) : undefined),
  float: (attribute) => (attribute.kind === 'float' ? float32Tensor([attribute.value], []) : undefined),
  floats: (attribute) =>
    attribute.kind === 'floats' ? float32Tensor(attribute.value, [attribute.value.length]) : undefined,
}
