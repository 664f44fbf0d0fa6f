import {
  absorbIntoGemm,
  appendInstance,
  createBuilder,
  type Graph,
  type GraphBuilder,
  type Model,
  symbolsOf,
  type ValueName,
  verifyGraph,
} from '../../../graph/index.ts'
import { QontrastError } from '../../../shared/index.ts'
import type { Tower } from '../../tower/tower.ts'
import { isTrainable, partOf, type Recipe } from '../recipe.ts'

/** What differs between the graphs of one recipe's steps. */
export interface Form {
  /** The tower or follower that each group of a batch goes through. */
  readonly passes: readonly string[]
  /** The embeddings that the loss gets, each with the symbol of its number of rows. */
  readonly embeddings: Readonly<Record<string, string>>
}

/** Rows that one pass takes from a table which is only looked up: its gradient leaves the graph as theirs. */
export interface Lookup {
  readonly table: ValueName
  readonly rows: ValueName
  readonly taken: ValueName
}

export interface Forward {
  readonly g: GraphBuilder
  /** Of each group, `[inputs, dimensions]`. */
  readonly embeddings: readonly ValueName[]
  readonly lookups: readonly Lookup[]
  /** The buffers that the passes read → their values after the last of them: each pass goes on from the one before. */
  readonly buffers: ReadonlyMap<ValueName, ValueName>
}

/** Name of a value of one group of a batch. */
export function inGroup(group: number, name: ValueName): ValueName {
  return `group${group}/${name}`
}

/** The towers, once for each group of a batch, with weights and buffers shared; values, inputs and symbols carry the group's number. */
export function instantiate(recipe: Recipe, passes: readonly string[]): Forward {
  const g = createBuilder()
  const lookups: Lookup[] = []
  const embeddings: ValueName[] = []
  const buffers = new Map<ValueName, ValueName>()
  for (const [group, pass] of passes.entries()) {
    const part = partOf(recipe, pass)
    const { tower, weight, buffer } = part
    const { graph } = tower.model
    const constant = (name: ValueName) =>
      `${Object.keys(recipe.towers).length === 1 ? '' : `${part.follows?.of ?? part.name}/`}${name}`
    const rename = (name: ValueName) => {
      if (name === '') return name
      if (tower.parameters.has(name)) return weight(name)
      if (tower.buffers.has(name)) return buffers.get(buffer(name)) ?? buffer(name)
      return graph.initializers.has(name) ? constant(name) : inGroup(group, name)
    }
    const sizes = Object.fromEntries(declaredIn(tower).map((symbol) => [symbol, `${symbol}${group}`]))
    const constants = [...graph.initializers].filter(([name]) => !tower.parameters.has(name))
    const typed = { graph: { ...graph, initializers: new Map(constants) }, types: tower.types }
    appendInstance(g, typed, { rename, sizes })
    if (!part.follows)
      for (const one of lookupsOf(tower))
        lookups.push({ table: weight(one.table), rows: rename(one.rows), taken: rename(one.taken) })
    embeddings.push(rename(tower.output))
    const next = [...tower.buffers].map(([name, one]) => [buffer(name), rename(one.next)] as const)
    for (const [name, value] of next) buffers.set(name, value)
  }
  return { g, embeddings, lookups, buffers }
}

/** The embeddings of all groups, one after the other. */
export function joined(g: GraphBuilder, embeddings: readonly ValueName[]): ValueName {
  const [first = '', ...others] = embeddings
  return others.length === 0 ? first : g.op('Concat', embeddings, { axis: 0 })
}

/** Numbers of an embedding: towers whose embeddings meet have as many. */
export function dimensionsOf({ towers }: Recipe): number {
  const [first, ...others] = Object.entries(towers)
  if (!first) throw new QontrastError('internal', 'a recipe has no tower')
  const [name, { dimensions }] = first
  const other = others.find(([, tower]) => tower.dimensions !== dimensions)
  if (!other) return dimensions
  throw new QontrastError(
    'invalid-option',
    `The tower '${name}' gives ${dimensions} numbers, and '${other[0]}' gives ${other[1].dimensions}. Put a projection after one of them.`,
  )
}

/** A graph made whole: values named as outputs, sums and factors absorbed, inputs that nothing reads left out but for those to keep. */
export interface Finished {
  readonly model: Model
  /** What a value that was made an output is called now. */
  named(value: ValueName): ValueName
}

export function finish(
  recipe: Recipe,
  g: GraphBuilder,
  values: readonly ValueName[],
  { name, keep = new Set() }: { readonly name: string; readonly keep?: ReadonlySet<ValueName> },
): Finished {
  const computed = new Set(g.nodes().flatMap(({ outputs }) => outputs))
  const copies = new Map<ValueName, ValueName>() // what is an input or a constant is given as a copy
  const sources = values.map((value) => {
    if (computed.has(value)) return value
    const copy = copies.get(value) ?? g.op('Identity', [value])
    copies.set(value, copy)
    return copy
  })
  for (const source of sources) g.output(source)
  const { graph } = absorbIntoGemm({ graph: g.build(name), types: g.types() })
  const outputs = graph.outputs.map((output) => output.name)
  const whole = withoutUnread({ ...graph, outputs: untyped(outputs) }, keep)
  verifyGraph(whole)
  const places = new Map(values.map((value, i) => [value, outputs[i] ?? '']))
  return { model: modelOf(recipe, whole), named: (value) => places.get(value) ?? '' }
}

/** A graph with what the towers' files say of the version that they are written in. */
function modelOf({ towers }: Recipe, graph: Graph): Model {
  const models = Object.values(towers).map(({ model }) => model)
  const opsets = new Map<string, number>()
  for (const [domain, version] of models.flatMap((model) => [...model.opsets]))
    opsets.set(domain, Math.max(version, opsets.get(domain) ?? 0))
  return {
    graph,
    irVersion: Math.max(...models.map(({ irVersion }) => irVersion)),
    opsets,
    functions: models.flatMap(({ functions }) => functions),
  }
}

function withoutUnread(graph: Graph, keep: ReadonlySet<ValueName>): Graph {
  const read = new Set(keep)
  const readIn = ({ nodes, outputs }: Graph): void => {
    for (const { name } of outputs) read.add(name)
    for (const { inputs, attributes } of nodes) {
      for (const name of inputs) read.add(name)
      for (const attribute of Object.values(attributes)) if (attribute.kind === 'graph') readIn(attribute.value)
    }
  }
  readIn(graph)
  return { ...graph, inputs: graph.inputs.filter(({ name }) => read.has(name)) }
}

/** Outputs whose types are worked out by the runtime; two results may be one value. */
function untyped(names: readonly ValueName[]) {
  return [...new Set(names)].map((name) => ({ name, type: undefined }))
}

/** The symbols that the sizes of a tower's inputs are declared by. */
function declaredIn({ model }: Tower): string[] {
  return model.graph.inputs.flatMap(({ type }) => (type?.dims ?? []).flatMap(symbolsOf))
}

/** The trained tables that are read by Gather along their first axis and by nothing else. */
export function lookupsOf({ model, parameters }: Tower): Lookup[] {
  const readers = new Map<ValueName, Graph['nodes'][number][]>()
  for (const node of model.graph.nodes) {
    for (const name of new Set(node.inputs)) {
      if (isTrainable(parameters.get(name))) readers.set(name, [...(readers.get(name) ?? []), node])
    }
  }
  return [...readers].flatMap(([table, all]) => {
    const onlyLooked = all.every(({ op, inputs, attributes: { axis } }) => {
      return op === 'Gather' && inputs[0] === table && (axis?.kind !== 'int' || axis.value === 0n)
    })
    return onlyLooked
      ? all.map(({ inputs, outputs }) => ({ table, rows: inputs[1] ?? '', taken: outputs[0] ?? '' }))
      : []
  })
}
