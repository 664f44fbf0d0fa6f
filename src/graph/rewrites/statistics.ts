import type { Graph } from '../types.ts'

/** Has every LayerNormalization give its mean and inverse deviation too: its gradient needs them, and the kernel has them anyway. */
export function exposeStatistics(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => {
    const [result = '', mean, inverse] = node.outputs
    if (node.op !== 'LayerNormalization') return node
    return { ...node, outputs: [result, mean || `${result}/mean`, inverse || `${result}/inverse_deviation`] }
  })
  return { ...graph, nodes }
}
