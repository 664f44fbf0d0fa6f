import { QontrastError } from '../../shared/index.ts'
import { intsOf } from '../attributes.ts'
import { int64Tensor, type TensorValue } from '../tensor.ts'
import type { GraphNode, Model, ValueName } from '../types.ts'

const oldest = 13
const newest = 24
/** From here on every operator used for gradients is there (Gelu came with 20). */
const target = 20

/** Reductions whose axes were an attribute before opset 18. */
const reductions = new Set([
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceProd',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSumExp',
])

/** Writes a model of opset 13 to 24 in opset 20 or its own newer one. `model-invalid` for older ones, which load and run but do not train. */
export function normalizeOpset(model: Model): Model {
  const version = model.opsets.get('') ?? 0
  if (version < oldest || version > newest) {
    throw new QontrastError(
      'model-invalid',
      `The model is written in ONNX opset ${version}; opsets ${oldest} to ${newest} can be trained. Export it again with opset_version=17.`,
    )
  }
  const initializers = new Map<ValueName, TensorValue>(model.graph.initializers)
  const nodes = version < 18 ? model.graph.nodes.map((node) => upgrade(node, initializers)) : model.graph.nodes
  return {
    ...model,
    graph: { ...model.graph, nodes, initializers },
    opsets: new Map([...model.opsets, ['', Math.max(version, target)]]),
  }
}

function upgrade(node: GraphNode, initializers: Map<ValueName, TensorValue>): GraphNode {
  if (node.op === 'Split' && node.inputs.length === 1) {
    const parts = BigInt(node.outputs.length)
    return { ...node, attributes: { ...node.attributes, num_outputs: { kind: 'int', value: parts } } }
  }
  const axes = reductions.has(node.op) ? intsOf(node, 'axes') : undefined
  if (!axes) return node
  const { axes: _, ...attributes } = node.attributes
  const name = `${node.outputs[0]}/axes`
  initializers.set(name, int64Tensor(axes))
  return { ...node, inputs: [...node.inputs, name], attributes }
}
