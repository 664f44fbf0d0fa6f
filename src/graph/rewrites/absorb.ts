import { floatOf } from '../attributes.ts'
import { sameDims } from '../dims.ts'
import { renameReads } from '../reads.ts'
import { numbersOf } from '../tensor.ts'
import type { GraphNode, ValueName } from '../types.ts'
import type { TypedGraph } from './fuse.ts'
import { prune } from './prune.ts'

/**
 * Has a Gemm do what comes right after it: a sum with another value becomes its C, a product with a number its alpha. Reshapes in between
 * are looked through. Saves a pass over memory each.
 */
export function absorbIntoGemm({ graph, types }: TypedGraph): TypedGraph {
  const nodes: (GraphNode | undefined)[] = [...graph.nodes]
  const place = new Map<ValueName, number>()
  const readers = new Map<ValueName, number>()
  for (const [i, node] of graph.nodes.entries()) {
    for (const name of node.outputs) place.set(name, i)
    for (const name of node.inputs) readers.set(name, (readers.get(name) ?? 0) + 1)
  }
  for (const { name } of graph.outputs) readers.set(name, (readers.get(name) ?? 0) + 1)
  const renamed = new Map<ValueName, ValueName>()
  const current = (name: ValueName): ValueName => {
    const next = renamed.get(name)
    return next === undefined ? name : current(next)
  }
  const placeOf = (name: ValueName) => place.get(name) ?? -1
  const nodeOf = (name: ValueName) => nodes[placeOf(name)]

  /** The value before a reshape, where it is one. */
  const flat = (value: ValueName): ValueName => {
    const node = nodeOf(value)
    return node?.op === 'Reshape' ? current(node.inputs[0] ?? '') : value
  }
  /** The Gemm without a C that alone gives a value, through a reshape or at once, and its own result. */
  const gemmBehind = (value: ValueName): { gemm: GraphNode; result: ValueName } | undefined => {
    const result = flat(value)
    const gemm = nodeOf(result)
    const isAlone = readers.get(value) === 1 && readers.get(result) === 1
    return gemm?.op === 'Gemm' && gemm.inputs.length === 2 && isAlone ? { gemm, result } : undefined
  }

  /** Makes one term of a sum the C of the Gemm that gives the other; the value that stands for the sum then. */
  const intoC = (node: GraphNode): ValueName | undefined => {
    const [first = '', second = ''] = node.inputs.map(current)
    const later = placeOf(first) > placeOf(second) ? first : second
    const other = later === first ? second : first
    const behind = gemmBehind(later)
    if (!behind) return undefined
    const c = behind.result === later ? other : flat(other)
    const [dims, cDims] = [types.get(behind.result)?.dims, types.get(c)?.dims]
    if (!dims || !cDims || !sameDims(dims, cDims) || placeOf(c) >= placeOf(behind.result)) return undefined
    nodes[placeOf(behind.result)] = { ...behind.gemm, inputs: [...behind.gemm.inputs, c] }
    readers.set(c, (readers.get(c) ?? 0) + 1)
    return later
  }
  /** Makes a number that a Gemm's result is multiplied by part of its alpha; the value that stands for the product then. */
  const intoAlpha = (node: GraphNode): ValueName | undefined => {
    const [first = '', second = ''] = node.inputs.map(current)
    const [value, factor] = scalarOf(second) === undefined ? [second, scalarOf(first)] : [first, scalarOf(second)]
    const behind = factor === undefined ? undefined : gemmBehind(value)
    if (factor === undefined || !behind) return undefined
    const alpha = { kind: 'float', value: floatOf(behind.gemm, 'alpha', 1) * factor } as const
    nodes[placeOf(behind.result)] = { ...behind.gemm, attributes: { ...behind.gemm.attributes, alpha } }
    return value
  }
  const absorb: Readonly<Record<string, (node: GraphNode) => ValueName | undefined>> = { Add: intoC, Mul: intoAlpha }

  for (const [i, node] of graph.nodes.entries()) {
    const kept = absorb[node.op]?.(node)
    if (kept === undefined) continue
    const [result = ''] = node.outputs
    renamed.set(result, kept)
    readers.set(kept, readers.get(result) ?? 0)
    nodes[i] = undefined
  }

  const rewritten = nodes.flatMap((node) => (node ? [renameReads(node, current)] : []))
  const outputs = graph.outputs.map(({ name, type }) => ({ name: current(name), type }))
  return { graph: prune({ ...graph, nodes: rewritten, outputs }), types }

  function scalarOf(name: ValueName): number | undefined {
    const tensor = graph.initializers.get(name)
    return tensor?.dtype === 'float32' && tensor.dims.length === 0 ? numbersOf(tensor)[0] : undefined
  }
}
