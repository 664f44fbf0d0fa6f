import type { Attribute, Graph, GraphNode, ValueName } from './types.ts'

/** A node that reads other values in place of its own, in the graphs inside it too. */
export function renameReads(node: GraphNode, rename: (name: ValueName) => ValueName): GraphNode {
  const inner = Object.entries(node.attributes).map(([key, attribute]): [string, Attribute] => [
    key,
    attribute.kind === 'graph' ? { ...attribute, value: renameInner(attribute.value, rename) } : attribute,
  ])
  const inputs = node.inputs.map((name) => (name === '' ? name : rename(name)))
  return { ...node, inputs, attributes: Object.fromEntries(inner) }
}

/** Names that the inner graph gives itself stay. */
function renameInner(graph: Graph, rename: (name: ValueName) => ValueName): Graph {
  const own = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ])
  const renameOuter = (name: ValueName) => (own.has(name) ? name : rename(name))
  return {
    ...graph,
    nodes: graph.nodes.map((node) => renameReads(node, renameOuter)),
    outputs: graph.outputs.map(({ name, type }) => ({ name: renameOuter(name), type })),
  }
}
