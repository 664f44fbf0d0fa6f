import {
  absorbIntoGemm,
  createBuilder,
  type Graph,
  type GraphBuilder,
  type Model,
  symbolsOf,
  type ValueName,
  verifyGraph,
} from '../../../graph/index.ts'
import type { Tower } from '../../tower/tower.ts'
import { partOf, type Recipe } from '../recipe.ts'
import { inGroup } from './names.ts'
import { createSite, type Lookup, type Site } from './place-tower.ts'

/** What differs between the graphs of one recipe's steps. */
export interface Form {
  /** The tower or follower that each group of a batch goes through. */
  readonly passes: readonly string[]
  /** The embeddings that the loss gets, each with the symbol of its number of rows. */
  readonly embeddings: Readonly<Record<string, string>>
}

export interface Forward {
  readonly g: GraphBuilder
  readonly site: Site
  /** Of each group, `[items, dimensions]`. */
  readonly embeddings: readonly ValueName[]
  readonly lookups: readonly Lookup[]
}

/** The towers, once for each group of a batch, with weights and buffers shared; values, inputs and symbols carry the group's number. */
export function instantiate(recipe: Recipe, passes: readonly string[]): Forward {
  const g = createBuilder()
  const site = createSite(g, recipe)
  const placed = passes.map((pass, group) => {
    const part = partOf(recipe, pass)
    const sizes = Object.fromEntries(declaredIn(part.tower).map((symbol) => [symbol, `${symbol}${group}`]))
    return site.place(part, { rename: (name) => inGroup(group, name), sizes, given: new Map() })
  })
  return {
    g,
    site,
    embeddings: placed.map(({ output }) => output),
    lookups: placed.flatMap((one) => one.lookups),
  }
}

/** For each pass, the embeddings of all its groups, one after the other. */
export function joined(
  g: GraphBuilder,
  passes: readonly string[],
  embeddings: readonly ValueName[],
): ReadonlyMap<string, ValueName> {
  const groups = Map.groupBy(embeddings.keys(), (group) => passes[group] ?? '')
  const joinedOf = ([first = '', ...others]: readonly ValueName[]) =>
    others.length === 0 ? first : g.op('Concat', [first, ...others], { axis: 0 })
  return new Map([...groups].map(([pass, own]) => [pass, joinedOf(own.map((group) => embeddings[group] ?? ''))]))
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
