import { QontrastError } from '../shared/index.ts'
import { agree, inferTypes, typeText } from './infer/infer.ts'
import { specOf } from './ops.ts'
import type { Graph, GraphNode, ValueName } from './types.ts'

/**
 * Checks that every value is given once and before it is used, that nodes have the arity and attributes of their operator, and that types go together:
 * those of a node's inputs, and those that outputs are said to have with those that follow. Throws `model-invalid`.
 */
export function verifyGraph(graph: Graph): void {
  verifyValues(graph, new Set())
  const types = inferTypes(graph)
  for (const { name, type } of [...graph.outputs, ...graph.values]) {
    if (type && !agree(types.get(name), type))
      throw invalid(`'${name}' is said to be ${typeText(type)}, and ${typeText(types.get(name))} follows`)
  }
}

function verifyValues(graph: Graph, outer: ReadonlySet<ValueName>): void {
  const given = new Set<ValueName>(outer)
  const give = (name: ValueName, where: string) => {
    if (name === '') return
    if (given.has(name) && !outer.has(name)) throw invalid(`'${name}' is given twice, the second time by ${where}`)
    given.add(name)
  }
  for (const name of graph.initializers.keys()) give(name, 'an initializer')
  for (const { name } of graph.inputs) if (!graph.initializers.has(name)) give(name, 'an input')
  for (const node of graph.nodes) {
    const where = `${node.op} '${node.name}'`
    for (const name of node.inputs) {
      if (name !== '' && !given.has(name)) throw invalid(`${where} reads '${name}', which nothing before it gives`)
    }
    verifyArity(node, where)
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.kind === 'graph') verifyValues(attribute.value, given)
    }
    for (const name of node.outputs) give(name, where)
  }
  for (const { name } of graph.outputs) if (!given.has(name)) throw invalid(`nothing gives the output '${name}'`)
}

function verifyArity({ op, inputs, outputs, attributes }: GraphNode, where: string): void {
  const spec = specOf(op)
  if (!spec) return
  if (inputs.length < spec.inputs[0] || inputs.length > spec.inputs[1])
    throw invalid(`${where} has ${inputs.length} inputs; it takes ${spec.inputs.join(' to ')}`)
  if (outputs.length < spec.outputs[0] || outputs.length > spec.outputs[1])
    throw invalid(`${where} has ${outputs.length} outputs; it gives ${spec.outputs.join(' to ')}`)
  const unknown = Object.keys(attributes).find((name) => !spec.attributes.includes(name) && !oldAttributes.has(name))
  if (unknown !== undefined)
    throw invalid(`${where} has the attribute '${unknown}'; known: ${spec.attributes.join(', ') || 'none'}`)
}

/** Attributes of operators before opset 13, which load and run but do not train. */
const oldAttributes = new Set(['axes', 'axis', 'broadcast', 'shape', 'value', 'split', 'consumed_inputs', 'min', 'max'])

function invalid(reason: string): QontrastError {
  return new QontrastError('model-invalid', `The graph is not valid: ${reason}.`)
}
