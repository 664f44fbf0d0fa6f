import { sameDims } from '../dims.ts'
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
  const nodeOf = (name: ValueName) => nodes[place.get(name) ?? -1]

  /** The Gemm that alone gives a value, and the reshape between them. */
  const gemmBehind = (value: ValueName): { gemm: GraphNode; result: ValueName } | undefined => {
    if (readers.get(value) !== 1) return undefined
    const node = nodeOf(value)
    if (node?.op === 'Gemm') return { gemm: node, result: value }
    if (node?.op !== 'Reshape') return undefined
    const [inner = ''] = node.inputs
    const behind = nodeOf(current(inner))
    return behind?.op === 'Gemm' && readers.get(inner) === 1 ? { gemm: behind, result: current(inner) } : undefined
  }
  /** The value before a reshape, where it is one. */
  const flat = (value: ValueName): ValueName => {
    const node = nodeOf(value)
    return node?.op === 'Reshape' ? current(node.inputs[0] ?? '') : value
  }
  const dimsOf = (value: ValueName) => types.get(value)?.dims

  for (const [i, node] of graph.nodes.entries()) {
    const [result = ''] = node.outputs
    if (node.op === 'Add') {
      const [first = '', second = ''] = node.inputs.map(current)
      const later = (place.get(first) ?? -1) > (place.get(second) ?? -1) ? first : second
      const other = later === first ? second : first
      const behind = gemmBehind(later)
      if (!behind || behind.gemm.inputs.length > 2) continue
      const c = behind.result === later ? other : flat(other)
      const [dims, cDims] = [dimsOf(behind.result), dimsOf(c)]
      const isBefore = (place.get(c) ?? -1) < (place.get(behind.result) ?? -1)
      if (!dims || !cDims || !sameDims(dims, cDims) || !isBefore) continue
      const at = place.get(behind.result) ?? -1
      nodes[at] = { ...behind.gemm, inputs: [...behind.gemm.inputs, c] }
      readers.set(c, (readers.get(c) ?? 0) + 1)
    } else if (node.op === 'Mul') {
      const [first = '', second = ''] = node.inputs.map(current)
      const factor = scalarOf(second) ?? scalarOf(first)
      const value = scalarOf(second) === undefined ? second : first
      const behind = factor === undefined ? undefined : gemmBehind(value)
      if (factor === undefined || !behind || behind.gemm.inputs.length > 2) continue
      const alpha = behind.gemm.attributes['alpha']
      const scaled = (alpha?.kind === 'float' ? alpha.value : 1) * factor
      const attributes = { ...behind.gemm.attributes, alpha: { kind: 'float', value: scaled } as const }
      nodes[place.get(behind.result) ?? -1] = { ...behind.gemm, attributes }
      renamed.set(result, value)
      readers.set(value, readers.get(result) ?? 0)
      nodes[i] = undefined
      continue
    } else continue
    const later = (place.get(current(node.inputs[0] ?? '')) ?? -1) > (place.get(current(node.inputs[1] ?? '')) ?? -1)
    const kept = current(node.inputs[later ? 0 : 1] ?? '')
    renamed.set(result, kept)
    readers.set(kept, readers.get(result) ?? 0)
    nodes[i] = undefined
  }

  const rewritten = nodes.flatMap((node) => (node ? [{ ...node, inputs: node.inputs.map(current) }] : []))
  const outputs = graph.outputs.map(({ name, type }) => ({ name: current(name), type }))
  return { graph: prune({ ...graph, nodes: rewritten, outputs }), types }

  function scalarOf(name: ValueName): number | undefined {
    const tensor = graph.initializers.get(name)
    return tensor?.dtype === 'float32' && tensor.dims.length === 0 ? numbersOf(tensor)[0] : undefined
  }
}
