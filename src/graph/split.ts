import { prune } from './rewrites/prune.ts'
import type { Graph, GraphNode, ValueName, ValueType } from './types.ts'

export interface SplitGraph {
  readonly first: Graph
  readonly second: Graph
  /** Values that the first part computes and the second reads, small ones that are as cheap computed again left out. */
  readonly carried: readonly ValueName[]
}

/**
 * Cuts a graph in two that run one after the other: the first gives `outputs`, the second everything else. Values computed of integers
 * and shapes alone are computed in both.
 */
export function splitGraph(
  graph: Graph,
  { outputs, types }: { readonly outputs: readonly ValueName[]; readonly types: ReadonlyMap<ValueName, ValueType> },
): SplitGraph {
  const first = prune({ ...graph, outputs: outputs.map((name) => ({ name, type: types.get(name) })) })
  const before = new Set(first.nodes)
  const given = new Map<ValueName, GraphNode>()
  for (const node of first.nodes) for (const name of node.outputs) given.set(name, node)

  const isFloat = (name: ValueName) => types.get(name)?.dtype === 'float32'
  const carried = new Set<ValueName>()
  const again = new Set<GraphNode>()
  const visit = (names: readonly ValueName[]): void => {
    for (const name of names) {
      const node = given.get(name)
      if (!node || carried.has(name) || again.has(node)) continue
      if (isFloat(name) && node.inputs.some((input) => isFloat(input) || given.has(input))) carried.add(name)
      else {
        again.add(node)
        visit(node.inputs)
      }
    }
  }
  for (const node of graph.nodes) if (!before.has(node)) visit(node.inputs)

  const kept = [...carried]
  const rest = graph.outputs.filter(({ name }) => !outputs.includes(name))
  const second = prune({
    ...graph,
    inputs: [...graph.inputs, ...kept.map((name) => ({ name, type: types.get(name) }))],
    nodes: graph.nodes.filter((node) => !before.has(node) || again.has(node)),
    outputs: rest,
  })
  const producedFirst = new Set(first.outputs.map(({ name }) => name))
  return {
    first: {
      ...first,
      inputs: usedInputs(first),
      outputs: [
        ...first.outputs,
        ...kept.filter((name) => !producedFirst.has(name)).map((name) => ({ name, type: types.get(name) })),
      ],
    },
    second: { ...second, inputs: usedInputs(second) },
    carried: kept,
  }
}

function usedInputs({ inputs, nodes, outputs }: Graph) {
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...outputs.map(({ name }) => name)])
  return inputs.filter(({ name }) => used.has(name))
}
