import { tellsPlaces } from '../../embed/index.ts'
import { type Graph, type GraphNode, numbersOf, type TensorValue, type ValueName } from '../../graph/index.ts'
import { type Role, roles } from '../optimizer/parameter.ts'

/** What each input of an operator is to it; of those that are left out, a weight. */
const uses: Readonly<Record<string, readonly Role[]>> = {
  Gemm: ['weight', 'weight', 'bias'],
  Conv: ['weight', 'weight', 'bias'],
  ConvTranspose: ['weight', 'weight', 'bias'],
  LSTM: ['weight', 'weight', 'weight', 'bias'],
  'com.microsoft.BiasGelu': ['weight', 'bias'],
  LayerNormalization: ['position', 'scale', 'bias'], // a table whose rows are normalised stands for places: DeBERTa's
  RMSNormalization: ['position', 'scale'],
  SimplifiedLayerNormalization: ['position', 'scale'],
  BatchNormalization: ['weight', 'scale', 'bias'],
  InstanceNormalization: ['weight', 'scale', 'bias'],
  GroupNormalization: ['weight', 'scale', 'bias'],
  PRelu: ['weight', 'scale'],
  Where: ['class', 'class', 'class'],
}
/** What only arranges a weight anew. */
const carriers = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Slice',
  'Split',
  'Expand',
  'Tile',
  'Resize',
  'Pad',
])
/** What makes places out of contents: as RoBERTa counts the tokens that are no padding. */
const counts = new Set(['Equal', 'Not', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'CumSum', 'Shape', 'Size'])

/** What each weight is for, told from where the graph uses it. One that has several uses decays if it does for any of them. */
export function rolesOf(graph: Graph, weights: ReadonlyMap<ValueName, TensorValue>): ReadonlyMap<ValueName, Role> {
  const readers = new Map<ValueName, GraphNode[]>()
  for (const node of graph.nodes)
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node])
  const given = graph.inputs.map(({ name }) => name).filter((name) => !weights.has(name))
  const contents = reachedFrom(
    graph,
    given.filter((name) => !tellsPlaces(name)),
    counts,
  )
  const changing = reachedFrom(graph, given)
  const places = placesIn(graph, weights)
  return new Map([...weights].map(([name, { dims }]) => [name, roleOf(name, dims)]))

  function roleOf(weight: ValueName, dims: readonly number[]): Role {
    const isVector = dims.filter((dim) => dim > 1).length < 2
    const found: Role[] = []
    const open = [weight]
    const seen = new Set(open)
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      for (const node of readers.get(value) ?? []) {
        const meetsChanging = node.inputs.some((name) => changing.has(name))
        const isCarried = carriers.has(node.op) || (node.op === 'Concat' && !meetsChanging)
        if (!isCarried) found.push(useOf(node, { at: node.inputs.indexOf(value), isVector, meetsChanging }))
        else for (const output of node.outputs.filter((name) => !seen.has(name))) open.push(output) && seen.add(output)
      }
    }
    return found.find((role) => roles[role].decays) ?? found[0] ?? 'weight'
  }

  function isPlace(index: ValueName): boolean {
    return places.has(index) && !contents.has(index)
  }

  function useOf(
    { op, inputs }: GraphNode,
    {
      at,
      isVector,
      meetsChanging,
    }: { readonly at: number; readonly isVector: boolean; readonly meetsChanging: boolean },
  ): Role {
    if (op === 'Gather') return at === 0 && isPlace(inputs[1] ?? '') ? 'position' : 'embedding'
    if (op === 'Add' || op === 'Sub') return isVector ? 'bias' : 'position'
    if (op === 'Mul' || op === 'Div') return isVector ? 'scale' : 'weight'
    if (op === 'Concat') return 'class'
    if ((op === 'Gemm' || op === 'MatMul') && at === 0 && !meetsChanging) return 'position' // of places, through a layer
    return uses[op]?.[at] ?? 'weight'
  }
}

/** Values that follow from some, by ways on which no operator of `ends` is. */
function reachedFrom(
  { nodes }: Graph,
  from: Iterable<ValueName>,
  ends: ReadonlySet<string> = new Set(['Shape', 'Size']),
): Set<ValueName> {
  const reached = new Set(from)
  for (const { op, inputs, outputs } of nodes)
    if (!ends.has(op) && inputs.some((name) => reached.has(name))) for (const name of outputs) reached.add(name)
  return reached
}

/** Operators whose other inputs say a shape, or which part is taken. */
const arranging = new Set([
  'Reshape',
  'Slice',
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Tile',
  'Gather',
  'GatherElements',
  'GatherND',
  'Split',
])
const counted = new Set(['Range', 'CumSum', 'NonZero'])

/** Values that differ from place to place: counted, given as such, or constants of several numbers. */
function placesIn(
  { inputs, initializers, nodes }: Graph,
  weights: ReadonlyMap<ValueName, TensorValue>,
): Set<ValueName> {
  const constants = [...initializers].filter(([name, { dtype }]) => !weights.has(name) && /^int/.test(dtype))
  const places = new Set([
    ...inputs.map(({ name }) => name).filter(tellsPlaces),
    ...constants.flatMap(([name, tensor]) => (new Set(numbersOf(tensor)).size > 1 ? [name] : [])),
  ])
  for (const { op, inputs: read, outputs } of nodes) {
    const told = arranging.has(op) ? read.slice(0, 1) : read
    if (counted.has(op) || told.some((name) => places.has(name))) for (const name of outputs) places.add(name)
  }
  return places
}
