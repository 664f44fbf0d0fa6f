import type { GraphBuilder } from './builder.ts'
import { substitute, symbolsOf } from './dims.ts'
import { renameReads } from './reads.ts'
import type { TypedGraph } from './rewrites/fuse.ts'
import type { Dim, ValueName, ValueType } from './types.ts'

export interface Instance {
  /** What a value of the graph is called in the builder. Names of weights that stay the same from instance to instance are shared by them. */
  rename(name: ValueName): ValueName
  /** What takes the place of the symbols in the dims of the graph's inputs: symbols of the instance's own, or numbers such as an image's height. */
  readonly sizes: Readonly<Record<string, Dim>>
}

/**
 * Writes a graph into a builder, once more for each instance: over images of two sizes with one set of weights, say. Types are inferred anew from
 * its inputs at the instance's sizes; where they do not follow, those given stand, at these sizes.
 */
export function appendInstance(g: GraphBuilder, { graph, types }: TypedGraph, { rename, sizes }: Instance): void {
  const named = (name: ValueName) => (name === '' ? name : rename(name))
  const declared = new Set(graph.inputs.flatMap(({ type }) => (type?.dims ?? []).flatMap(symbolsOf)))
  const sizeOf = (symbol: string): Dim => {
    if (Object.hasOwn(sizes, symbol)) return sizes[symbol] ?? symbol
    return declared.has(symbol) ? symbol : rename(symbol) // a value inside has made it
  }
  const sizedDim = (dim: Dim) =>
    substitute(dim, Object.fromEntries(symbolsOf(dim).map((symbol) => [symbol, sizeOf(symbol)])))
  const sized = (type: ValueType): ValueType => ({ ...type, dims: type.dims?.map(sizedDim) })
  for (const [name, tensor] of graph.initializers) if (!g.has(named(name))) g.initializer(named(name), tensor)
  for (const { name, type } of graph.inputs) if (type && !g.has(named(name))) g.input(named(name), sized(type))
  for (const node of graph.nodes) {
    const outputs = node.outputs.map(named)
    g.append({ ...renameReads(node, named), name: outputs[0] ?? node.name, outputs })
    for (const name of node.outputs) {
      const type = types.get(name)
      if (type) g.setType(named(name), sized(type))
    }
  }
}
