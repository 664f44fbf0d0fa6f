import {
  elementBytes,
  float32Of,
  type Graph,
  renameReads,
  sizeOf,
  type TensorValue,
  type ValueName,
} from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { hasZeroGradient } from '../autodiff/index.ts'
import { positionConstants } from './position-constants.ts'

export interface Trainable {
  /** The graph, in which every copy of a weight reads the weight itself. */
  readonly graph: Graph
  readonly parameters: ReadonlyMap<ValueName, TensorValue>
  /** Initializers of the file that are copies of a parameter, and which. */
  readonly copies: ReadonlyMap<ValueName, ValueName>
  /** What the user should know of weights that are trained as one. */
  readonly notices: readonly string[]
}

/**
 * Which initializers are trained: float weights of more than one element between which and the output gradients can flow. Not what only makes tables of
 * positions, nor masks; single numbers are constants of the file's formulas. Equal weights are one weight, unless they hold one number throughout.
 */
export function findTrainable(given: Graph, output: ValueName): Trainable {
  const { graph: whole, split, shared } = splitCopies(given)
  const onPath = new Set<ValueName>([output])
  for (const node of whole.nodes.toReversed()) {
    if (!node.outputs.some((name) => onPath.has(name)) || hasZeroGradient(node)) continue
    for (const name of node.inputs) onPath.add(name)
  }
  const weights = [...whole.initializers].filter(([name, { dims }]) => onPath.has(name) && sizeOf(dims) > 1)
  checkFormat(weights)
  const floats = new Map(weights.filter(([, tensor]) => tensor.dtype === 'float32' && !isMask(tensor)))
  const constants = positionConstants(whole, floats)
  const candidates = [...floats].filter(([name]) => !constants.has(name))
  const copies = copiesAmong(candidates)
  const parameters = new Map(candidates.filter(([name]) => !copies.has(name)))
  const original = (name: ValueName) => copies.get(name) ?? name
  const graph: Graph = {
    ...whole,
    nodes: whole.nodes.map((node) => renameReads(node, original)),
    initializers: new Map([...whole.initializers].filter(([name]) => !copies.has(name))),
  }
  return {
    graph,
    parameters,
    copies,
    notices: [...copyNotice([...shared, ...copies]), ...mergeNotice(graph, parameters, split)],
  }
}

/**
 * PyTorch's tracing exporter keeps equal weights once, and gives the others as its copies by `Identity`: those that hold one number throughout, such as
 * biases of zeros, are equal by chance and become weights of their own. Any other is shared by the model.
 */
function splitCopies(graph: Graph) {
  const initializers = new Map(graph.initializers)
  const split = new Set<ValueName>()
  const shared = new Map<ValueName, ValueName>()
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  const nodes = graph.nodes.filter(({ op, inputs, outputs: [name = ''] }) => {
    const [original = ''] = inputs
    const tensor = op === 'Identity' && !outputs.has(name) ? graph.initializers.get(original) : undefined
    if (tensor?.dtype !== 'float32' || sizeOf(tensor.dims) < 2) return true
    if (!isUniform(tensor)) {
      shared.set(name, original)
      return true
    }
    initializers.set(name, tensor)
    split.add(name).add(original)
    return false
  })
  return { graph: { ...graph, nodes, initializers }, split, shared }
}

function checkFormat(weights: readonly (readonly [ValueName, TensorValue])[]): void {
  const compressed = weights.find(
    ([, { dtype }]) => dtype === 'float16' || dtype === 'bfloat16' || elementBytes[dtype] === 1,
  )
  if (!compressed) return
  throw new QontrastError(
    'model-invalid',
    `The weights are ${compressed[1].dtype} ('${compressed[0]}'). Train the fp32 weights (onnx/model.onnx), and compress the result.`,
  )
}

/** What is added to scores of pairs of tokens that must not look at each other. */
const excluded = -1e30

function isMask(tensor: TensorValue): boolean {
  return float32Of(tensor).some((value) => value <= excluded)
}

function isUniform(tensor: TensorValue): boolean {
  const values = float32Of(tensor)
  return values.every((value) => value === values[0])
}

/** Each weight that equals an earlier one bit for bit, and that one: PyTorch's dynamo exporter writes the weights of shared layers once for each use. */
function copiesAmong(weights: readonly (readonly [ValueName, TensorValue])[]): Map<ValueName, ValueName> {
  const copies = new Map<ValueName, ValueName>()
  const byShape = new Map<string, [ValueName, TensorValue][]>()
  for (const [name, tensor] of weights) {
    const key = `${tensor.dims}`
    const others = byShape.get(key) ?? []
    byShape.set(key, others)
    const original = others.find(([, other]) => Buffer.compare(other.bytes, tensor.bytes) === 0)
    if (original && !isUniform(tensor)) copies.set(name, original[0])
    else others.push([name, tensor])
  }
  return copies
}

function copyNotice(copies: readonly (readonly [ValueName, ValueName])[]): string[] {
  if (copies.length === 0) return []
  return [
    `${copies.length} weights of the model are copies of others (${few(copies.map(([copy, of]) => `${copy} of ${of}`))}): they are trained as one, as in layers that share their weights.`,
  ]
}

/** Weights of one number throughout that several nodes read: whether the model shares them, or its exporter merged them, the file does not say. */
function mergeNotice(
  { nodes }: Graph,
  parameters: ReadonlyMap<ValueName, TensorValue>,
  split: ReadonlySet<ValueName>,
): string[] {
  const uniform = [...parameters].flatMap(([name, tensor]) => (!split.has(name) && isUniform(tensor) ? [name] : []))
  const merged = uniform.filter((name) => nodes.filter(({ inputs }) => inputs.includes(name)).length > 1)
  if (merged.length === 0) return []
  return [
    `${merged.length} weights hold one number throughout and are used in several places (${few(merged)}): if the model has several, its exporter merged them because they were equal, and they are trained as one. The tracing exporter (dynamo=False) keeps them apart.`,
  ]
}

function few(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ')
}
