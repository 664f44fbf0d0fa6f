import { tellsPlaces } from '../../embed/index.ts'
import { float32Of, type Graph, type GraphNode, type TensorValue, type ValueName } from '../../graph/index.ts'

/** What only arranges a weight anew, or changes each of its numbers by itself. */
const carriers = new Set([
  ...['Cast', 'Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Expand', 'Tile', 'Concat'],
  ...['Neg', 'Reciprocal', 'Exp', 'Log', 'Sqrt', 'Abs'],
])
/** Takes parts of a table: at constant places, or at those of positions. */
const pickers = new Set(['Slice', 'Gather', 'Split'])
const products = new Set(['Mul', 'Div', 'Pow', 'MatMul'])
const sums = new Set(['Add', 'Sub'])
const waves = new Set(['Cos', 'Sin'])

/**
 * Weights that only make tables of positions, which PyTorch keeps as buffers: frequencies of rotary positions and slopes (ALiBi), which are multiplied by
 * positions before they meet another weight or a word, or go through a cosine or sine (Su et al. 2021, arXiv:2104.09864; Press et al. 2021,
 * arXiv:2108.12409); and tables of cosines and sines themselves, of which positions pick rows that are multiplied with what comes from words. A table whose
 * rows are added is trained: learned positions, and the relative positions of T5, be they looked up or multiplied by a one-hot matrix.
 */
export function positionConstants(graph: Graph, weights: ReadonlyMap<ValueName, TensorValue>): Set<ValueName> {
  const readers = new Map<ValueName, GraphNode[]>()
  for (const node of graph.nodes)
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node])
  const learned = reachedFrom(graph, new Set(weights.keys()))
  const given = graph.inputs.map(({ name }) => name).filter((name) => !graph.initializers.has(name))
  const worded = reachedFrom(graph, new Set(given.filter((name) => !tellsPlaces(name))))
  const indicators = reachedFrom(graph, outputsOf(graph, ['OneHot', 'Equal']), ['CumSum'])
  const isConstant = (name: ValueName) => graph.initializers.has(name) && !weights.has(name)
  const isPosition = (name: ValueName) => !isConstant(name) && !learned.has(name) && !indicators.has(name)

  const found = new Set<ValueName>()
  for (const [name, tensor] of weights) {
    const ends = endsOf(name, tensor)
    if (ends.length > 0 && ends.every((end) => end === 'position')) found.add(name)
  }
  return found

  /** Where the ways of a weight through the graph end: as a table of positions, or elsewhere. */
  function endsOf(weight: ValueName, tensor: TensorValue): readonly ('position' | 'other')[] {
    const ends: ('position' | 'other')[] = []
    const seen = new Set<ValueName>()
    const open: { value: ValueName; picked: boolean }[] = [{ value: weight, picked: false }]
    for (let next = open.pop(); next; next = open.pop()) {
      const { value, picked } = next
      for (const node of readers.get(value) ?? []) {
        const others = node.inputs.filter((name) => name !== value && name !== '')
        const goOn = (now = picked) => {
          for (const output of node.outputs) if (!seen.has(output)) open.push({ value: output, picked: now })
          for (const output of node.outputs) seen.add(output)
        }
        if (waves.has(node.op)) ends.push('position')
        else if (products.has(node.op) && others.some(isPosition)) ends.push('position')
        else if (node.op === 'Mul' && picked && others.some((name) => learned.has(name)) && isWave(tensor))
          ends.push('position')
        else if (carriers.has(node.op) && !others.some((name) => learned.has(name) && !seen.has(name))) goOn()
        else if ((products.has(node.op) || sums.has(node.op)) && others.every(isConstant)) goOn()
        else if (pickers.has(node.op) && node.inputs[0] === value && !others.some((name) => worded.has(name)))
          goOn(picked || others.some(isPosition))
        else ends.push('other')
      }
    }
    return ends
  }
}

/** Whether a table can be one of cosines or sines: within ±1, and of one number at position 0. */
function isWave(tensor: TensorValue): boolean {
  const values = float32Of(tensor)
  const width = tensor.dims.at(-1) ?? 1
  const first = values.subarray(0, width)
  return (
    tensor.dims.length > 1 &&
    values.every((value) => Math.abs(value) <= 1 + 1e-6) &&
    first.every((value) => value === first[0]) &&
    (first[0] === 0 || first[0] === 1)
  )
}

function outputsOf({ nodes }: Graph, ops: readonly string[]): Set<ValueName> {
  return new Set(nodes.flatMap(({ op, outputs }) => (ops.includes(op) ? outputs : [])))
}

/** Values that depend on the content of some, by ways on which no operator of `end` is. */
function reachedFrom({ nodes }: Graph, from: ReadonlySet<ValueName>, end: readonly string[] = []): Set<ValueName> {
  const reached = new Set(from)
  const stops = new Set(['Shape', 'Size', ...end])
  for (const { op, inputs, outputs } of nodes)
    if (!stops.has(op) && inputs.some((name) => reached.has(name))) for (const name of outputs) reached.add(name)
  return reached
}
