import {
  createBuilder,
  type Graph,
  type Model,
  splitGraph,
  type ValueName,
  type ValueType,
  verifyGraph,
} from '../../graph/index.ts'
import { appendGradient } from '../autodiff/index.ts'
import type { Tower } from './tower.ts'

/** A table of which a batch uses some rows: its gradient is that of the rows taken, and which they were. */
export interface RowGradient {
  readonly table: ValueName
  /** Values of the graphs: int64 row numbers of any shape, and their gradients `[…row numbers, width]`. */
  readonly rows: ValueName
  readonly gradient: ValueName
}

/** Forward and reverse pass of a tower as two graphs: the first keeps what the second needs. */
export interface TowerGradient {
  readonly forward: Model
  readonly backward: Model
  /** Values that go from the first to the second. */
  readonly carried: readonly ValueName[]
  readonly types: ReadonlyMap<ValueName, ValueType>
  /** Input of the second graph: the gradient of the embeddings, `[batch, dimensions]`. */
  readonly upstream: ValueName
  /** The value that holds each parameter's gradient; tables that are only looked up are in `rowGradients`. */
  readonly gradients: ReadonlyMap<ValueName, ValueName>
  readonly rowGradients: readonly RowGradient[]
}

const upstreamName = 'upstream'

/** Differentiates a tower by all its parameters. */
export function differentiateTower(tower: Tower): TowerGradient {
  const { model, parameters, embeddings } = tower
  const lookups = lookupsOf(model.graph, parameters.keys())
  const g = createBuilder(model.graph, tower.types)
  const upstream = g.input(upstreamName, { dtype: 'float32', dims: ['batch', tower.dimensions] })
  const tables = new Set(lookups.map(({ table }) => table))
  const dense = [...parameters.keys()].filter((name) => !tables.has(name))
  const targets = [...dense, ...lookups.map(({ taken }) => taken)]
  const found = appendGradient(g, { seeds: new Map([[embeddings, upstream]]), targets })

  const gradients = new Map<ValueName, ValueName>()
  for (const name of dense) {
    const gradient = found.get(name)
    if (gradient === undefined) continue
    gradients.set(name, gradient)
    g.setType(gradient, { dtype: 'float32', dims: g.dimsOf(name) })
  }
  const rowGradients = lookups.flatMap(({ table, rows, taken }) => {
    const gradient = found.get(taken)
    if (gradient === undefined) return []
    g.setType(gradient, { dtype: 'float32', dims: g.dimsOf(taken) })
    return [{ table, rows, gradient }]
  })
  const outputs = new Set([...gradients.values(), ...rowGradients.map(({ gradient }) => gradient)])
  const inputs = new Set(model.graph.inputs.map(({ name }) => name))
  for (const name of outputs) g.output(name)
  const graph = g.build('step')
  const types = typesOf(graph, g.typeOf)
  const rowValues = [...new Set(rowGradients.map(({ rows }) => rows))].filter((name) => !inputs.has(name))
  const { first, second, carried } = splitGraph(graph, { outputs: [embeddings, ...rowValues], types })
  verifyGraph(first)
  verifyGraph(second)
  return {
    forward: { ...model, graph: first },
    backward: { ...model, graph: second },
    carried,
    types,
    upstream,
    gradients,
    rowGradients,
  }
}

/** Tables that are read by Gather along their first axis and by nothing else. */
function lookupsOf({ nodes }: Graph, parameters: Iterable<ValueName>) {
  const names = new Set(parameters)
  const readers = new Map<ValueName, (typeof nodes)[number][]>()
  for (const node of nodes)
    for (const name of new Set(node.inputs))
      if (names.has(name)) readers.set(name, [...(readers.get(name) ?? []), node])
  return [...readers].flatMap(([table, all]) => {
    const onlyLooked = all.every(({ op, inputs, attributes }) => {
      const axis = attributes['axis']
      return op === 'Gather' && inputs[0] === table && (axis?.kind !== 'int' || axis.value === 0n)
    })
    return onlyLooked
      ? all.map(({ inputs, outputs }) => ({ table, rows: inputs[1] ?? '', taken: outputs[0] ?? '' }))
      : []
  })
}

function typesOf(graph: Graph, typeOf: (name: ValueName) => ValueType | undefined): Map<ValueName, ValueType> {
  const names = [
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]
  return new Map(
    names.flatMap((name) => {
      const type = typeOf(name)
      return type ? [[name, type] as const] : []
    }),
  )
}
