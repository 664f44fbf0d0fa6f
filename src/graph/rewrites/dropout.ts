import { createBuilder, type GraphBuilder } from '../builder.ts'
import { renameReads } from '../reads.ts'
import type { Dims, GraphNode, ValueName } from '../types.ts'
import type { TypedGraph } from './fuse.ts'

/** What a graph with dropout reads: factors, and from where to where in them each place takes its own. */
export const dropoutInputs = { factors: 'dropout_factors', starts: 'dropout_starts', ends: 'dropout_ends' } as const

/** Declares dropout's inputs for so many places: a function that multiplies a value with the factors of the next place, and notes its dims in `found`. */
export function declareDropout(g: GraphBuilder, count: number, found: Dims[]): (value: ValueName) => ValueName {
  const factors = g.input(dropoutInputs.factors, { dtype: 'float32', dims: ['batch_factors'] })
  const rows = { dtype: 'int64', dims: [count] } as const
  const [starts, ends] = [g.input(dropoutInputs.starts, rows), g.input(dropoutInputs.ends, rows)]
  return (value) => {
    const dims = g.dimsOf(value)
    const at = (bounds: ValueName) => g.op('Slice', [bounds, g.ints([found.length]), g.ints([found.length + 1])])
    const own = g.op('Slice', [factors, at(starts), at(ends)])
    found.push(dims)
    return g.op('Mul', [value, g.reshape(own, dims)])
  }
}

/**
 * Multiplies what BERT drops out while it trains with factors from outside, 0 or 1 / (1 - probability): the sum of the embeddings after its norm, the
 * weights of attention, and what a linear layer gives to a residual before its norm (Srivastava et al. 2014; Devlin et al. 2019, arXiv:1810.04805). Also
 * gives the dims of each place, in the order of their starts.
 */
export function insertDropout({ graph, types }: TypedGraph): TypedGraph & { readonly places: readonly Dims[] } {
  const places = new Set(placesOf({ graph, types }))
  if (places.size === 0) return { graph, types, places: [] }
  const g = createBuilder(graph, types)
  const found: Dims[] = []
  const drop = declareDropout(g, places.size, found)
  const renamed = new Map<ValueName, ValueName>()
  const current = (name: ValueName) => renamed.get(name) ?? name
  const nodes: GraphNode[] = []
  for (const node of graph.nodes) {
    nodes.push(renameReads(node, current))
    const value = node.outputs.find((name) => places.has(name))
    if (value === undefined) continue
    const before = g.nodes().length
    renamed.set(value, drop(value))
    nodes.push(...g.nodes().slice(before))
  }
  const outputs = graph.outputs.map(({ name, type }) => ({ name: current(name), type }))
  return { graph: { ...g.build(graph.name), nodes, outputs }, types: g.types(), places: found }
}

function placesOf({ graph, types }: TypedGraph): ValueName[] {
  const producer = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const normalised = new Set<ValueName>() // what depends on a norm
  const places: ValueName[] = []
  for (const node of graph.nodes) {
    const isNorm = node.op === 'LayerNormalization'
    const [result = ''] = node.outputs
    if (isAttention(node)) places.push(result)
    if (isNorm) places.push(linearBefore(node, producer) ?? (normalised.has(node.inputs[0] ?? '') ? '' : result))
    if (isNorm || node.inputs.some((name) => normalised.has(name)))
      for (const name of node.outputs) normalised.add(name)
  }
  return places.filter((name) => name !== '')

  function isAttention({ op, outputs }: GraphNode): boolean {
    return op === 'Softmax' && types.get(outputs[0] ?? '')?.dims?.length === 4
  }
}

/** The linear layer whose result a norm's input is the sum of, with a residual. */
function linearBefore(norm: GraphNode, producer: ReadonlyMap<ValueName, GraphNode>): ValueName | undefined {
  const sum = producer.get(norm.inputs[0] ?? '')
  if (sum?.op !== 'Add') return undefined
  return sum.inputs.map((name) => withoutReshape(name, producer)).find((name) => producer.get(name)?.op === 'Gemm')
}

function withoutReshape(name: ValueName, producer: ReadonlyMap<ValueName, GraphNode>): ValueName {
  const node = producer.get(name)
  return node?.op === 'Reshape' ? withoutReshape(node.inputs[0] ?? '', producer) : name
}
