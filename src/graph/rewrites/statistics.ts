import type { Graph } from '../types.ts'

/** What a node can give beside its result, and what it is called. */
const extras: Readonly<Record<string, readonly string[]>> = {
  LayerNormalization: ['mean', 'inverse_deviation'],
  MaxPool: ['places'],
}

/** Has every LayerNormalization give its mean and inverse deviation, and every MaxPool its places: gradients need them, and the kernels have them anyway. */
export function exposeStatistics(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => {
    const [result = '', ...given] = node.outputs
    const names = extras[node.op]
    return names ? { ...node, outputs: [result, ...names.map((name, i) => given[i] || `${result}/${name}`)] } : node
  })
  return { ...graph, nodes }
}
