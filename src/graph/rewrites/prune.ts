import type { Graph, GraphNode, ValueName } from '../types.ts'

/** Leaves what the outputs need: dead nodes and unused weights go, inputs stay. */
export function prune(graph: Graph): Graph {
  const needed = new Set<ValueName>(graph.outputs.map(({ name }) => name))
  const nodes: GraphNode[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue
    nodes.push(node)
    for (const name of readBy(node)) needed.add(name)
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    values: graph.values.filter(({ name }) => needed.has(name)),
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
  }
}

/** What a node reads, that of the graphs inside it included. */
export function readBy(node: GraphNode): ValueName[] {
  const inner = Object.values(node.attributes).flatMap((attribute) =>
    attribute.kind === 'graph'
      ? [...attribute.value.nodes.flatMap(readBy), ...attribute.value.outputs.map(({ name }) => name)]
      : [],
  )
  return [...node.inputs.filter((name) => name !== ''), ...inner]
}
