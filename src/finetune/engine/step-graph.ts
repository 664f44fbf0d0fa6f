import type { TransformerFiles } from '../../embed/index.ts'
import {
  absorbIntoGemm,
  createBuilder,
  type Graph,
  type GraphBuilder,
  type Model,
  prune,
  renameReads,
  substitute,
  symbolsOf,
  type ValueName,
  type ValueType,
  verifyGraph,
} from '../../graph/index.ts'
import { isQontrastError, QontrastError } from '../../shared/index.ts'
import { appendGradient } from '../autodiff/index.ts'
import type { Loss } from '../losses/loss.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import type { Tower } from '../tower/tower.ts'

/** A table of which a batch uses some rows: its gradient is that of the rows taken, and which they were. */
export interface RowGradient {
  readonly table: ValueName
  /** Outputs of the graph, or an input: int64 row numbers of any shape, and their gradients `[…row numbers, width]`. */
  readonly rows: ValueName
  readonly gradient: ValueName
}

/** A graph that gives gradients, and where in its outputs they are. */
export interface GradientGraph {
  readonly model: Model
  /** The output that holds each parameter's gradient; tables that are only looked up are in `rowGradients`. */
  readonly gradients: ReadonlyMap<ValueName, ValueName>
  readonly rowGradients: readonly RowGradient[]
}

export interface StepGraph extends GradientGraph {
  /** A scalar output. */
  readonly loss: ValueName
}

/** Name of a value of one group of texts. */
export function inGroup(group: number, name: ValueName): ValueName {
  return `group${group}/${name}`
}

/**
 * One step as one graph: the tower over each group of texts (a group is padded to its own longest text), all embeddings put in the order of the pairs,
 * the loss, and the gradient of every parameter.
 */
export function buildStepGraph(
  tower: Tower,
  { loss, groups, negatives }: { readonly loss: Loss; readonly groups: number; readonly negatives: boolean },
): StepGraph {
  const { g, lookups, embeddings } = instantiate(tower, groups)
  const all = joined(g, embeddings)
  const value = appendLoss(g, all, { loss, negatives })
  const finished = finish(tower, g, lookups, { seeds: new Map([[value, g.scalar(1)]]), extra: [value] })
  return { ...finished, loss: finished.outputs[0] ?? value }
}

/** A step that moves the weights itself, for devices that keep them: every value of the state is an input, and its next value an output. */
export interface UpdateGraph {
  readonly model: Model
  /** Scalar outputs. */
  readonly loss: ValueName
  readonly norm: ValueName
  /** Input of each value of the state → the output that holds it after the step. */
  readonly next: ReadonlyMap<ValueName, ValueName>
}

/** Name of the input that holds what the optimizer keeps for a parameter. */
export function slotName(slot: string, parameter: ValueName): ValueName {
  return `${slot}/${parameter}`
}

/** One step with clipping and the optimizer's update in one graph. Scalar inputs: `rate`, `decay`, `step`, `clip`. */
export function buildUpdateGraph(
  tower: Tower,
  {
    loss,
    groups,
    negatives,
    optimizer,
  }: { readonly loss: Loss; readonly groups: number; readonly negatives: boolean; readonly optimizer: Optimizer },
): UpdateGraph {
  const { g, embeddings } = instantiate(tower, groups)
  const all = joined(g, embeddings)
  const value = appendLoss(g, all, { loss, negatives })
  const found = appendGradient(g, { seeds: new Map([[value, g.scalar(1)]]), targets: [...tower.parameters.keys()] })

  const scalar = (name: string) => g.input(name, { dtype: 'float32', dims: [] })
  const [rate, decay, step, clip] = [scalar('rate'), scalar('decay'), scalar('step'), scalar('clip')]
  const squares = [...found.values()].map((gradient) => g.op('ReduceSumSquare', [gradient], { keepdims: 0 }))
  const norm = g.op('Sqrt', [squares.reduce((sum, one) => g.op('Add', [sum, one]))])
  const scale = g.op('Min', [g.scalar(1), g.op('Div', [clip, g.op('Add', [norm, g.scalar(1e-6)])])])
  const next = new Map<ValueName, ValueName>()
  for (const [name, gradient] of found) {
    const dims = g.dimsOf(name)
    const slots = optimizer.slots.map((slot) => g.input(slotName(slot, name), { dtype: 'float32', dims }))
    const update = { weights: name, gradient, slots, rate, decay: dims.length > 1 ? decay : g.scalar(0), step, scale }
    const after = optimizer.updateGraph(g, update)
    next.set(name, after.weights)
    for (const [i, slot] of slots.entries()) next.set(slot, after.slots[i] ?? '')
  }
  const names = [value, norm, ...next.values()]
  for (const name of names) g.output(name)
  const built = g.build('update')
  const { graph } = absorbIntoGemm({ graph: built, types: g.types() })
  verifyGraph(graph)
  const outputs = graph.outputs.map(({ name }) => name)
  return {
    model: { ...tower.model, graph: { ...graph, outputs: untyped(outputs) } },
    loss: outputs[0] ?? '',
    norm: outputs[1] ?? '',
    next: new Map([...next.keys()].map((name, i) => [name, outputs[i + 2] ?? ''])),
  }
}

/** For the gradient cache: loss and gradient of all embeddings, given as the input `embeddings` `[texts, dimensions]`. */
export function buildLossGraph(
  tower: Tower,
  { loss, negatives }: { readonly loss: Loss; readonly negatives: boolean },
): { readonly model: Model; readonly loss: ValueName; readonly gradient: ValueName } {
  const g = createBuilder()
  const all = g.input('embeddings', { dtype: 'float32', dims: ['texts', tower.dimensions] })
  const value = appendLoss(g, all, { loss, negatives })
  const gradient = appendGradient(g, { seeds: new Map([[value, g.scalar(1)]]), targets: [all] }).get(all)
  if (gradient === undefined)
    throw new QontrastError('internal', `the loss '${loss.name}' does not depend on the embeddings`)
  g.output(value)
  g.output(gradient)
  return { model: { ...tower.model, graph: g.build('loss') }, loss: value, gradient }
}

/** The embeddings of all groups, one after the other. */
function joined(g: GraphBuilder, embeddings: readonly ValueName[]): ValueName {
  const [first = '', ...others] = embeddings
  return others.length === 0 ? first : g.op('Concat', embeddings, { axis: 0 })
}

/** Picks each pair's embeddings out of all of them, by inputs of int64 rows, and appends the loss. */
function appendLoss(
  g: GraphBuilder,
  all: ValueName,
  { loss, negatives }: { readonly loss: Loss; readonly negatives: boolean },
): ValueName {
  const pick = (role: string, count: string) => {
    const rows = g.input(`${role}_rows`, { dtype: 'int64', dims: [count] })
    return g.op('Gather', [all, rows], { axis: 0 })
  }
  const anchor = pick('anchor', 'pairs')
  const positive = pick('positive', 'pairs')
  const embeddings = { anchor, positive, ...(negatives ? { negative: pick('negative', 'negatives') } : {}) }
  return loss.build(g, { embeddings, inputs: {}, parameters: {}, state: {} }).loss
}

/** `model-invalid` where a part of the model has no gradient: with its family, the operator, and what to do. */
export function checkGradients(tower: Tower, { settings: { family } }: TransformerFiles): void {
  try {
    buildChunkGraph(tower)
  } catch (cause) {
    if (!isQontrastError(cause, 'model-invalid') || family === undefined) throw cause
    throw new QontrastError('model-invalid', cause.message.replace(/^This model/, `This model (${family})`), { cause })
  }
}

/** For the gradient cache: the gradients of the parameters from that of the embeddings, given as the input `upstream`, of one group of texts. */
export function buildChunkGraph(tower: Tower): GradientGraph {
  const { g, lookups, embeddings } = instantiate(tower, 1)
  const upstream = g.input('upstream', { dtype: 'float32', dims: ['batch0', tower.dimensions] })
  return finish(tower, g, lookups, { seeds: new Map([[embeddings[0] ?? '', upstream]]), extra: [] })
}

/** The tower alone, for embeddings without gradients: its output is `embeddings`. */
export function buildEncodeGraph(tower: Tower): { readonly model: Model; readonly embeddings: ValueName } {
  const { g, embeddings } = instantiate(tower, 1)
  const [value = ''] = embeddings
  g.output(value)
  return { model: { ...tower.model, graph: prune(g.build('encode')) }, embeddings: value }
}

interface Lookup {
  readonly table: ValueName
  readonly rows: ValueName
  readonly taken: ValueName
}

/** The tower once for each group, with the parameters shared; values, inputs and symbols carry the group's number. */
function instantiate(tower: Tower, groups: number) {
  const { graph } = tower.model
  const g = createBuilder({ ...graph, inputs: [], outputs: [], nodes: [] })
  const parameters = new Set(tower.parameters.keys())
  for (const { name, type } of graph.inputs) if (parameters.has(name) && type) g.input(name, type)
  const lookups: Lookup[] = []
  const embeddings: ValueName[] = []
  const looked = lookupsOf(graph, parameters)
  const declared = graph.inputs.flatMap(({ type }) => (type?.dims ?? []).flatMap(symbolsOf))
  for (let group = 0; group < groups; group++) {
    const shared = (name: ValueName) => name === '' || parameters.has(name) || graph.initializers.has(name)
    const rename = (name: ValueName) => (shared(name) ? name : inGroup(group, name))
    const symbols = Object.fromEntries(declared.map((symbol) => [symbol, `${symbol}${group}`]))
    const typeOf = (type: ValueType): ValueType => ({
      ...type,
      dims: type.dims?.map((dim) => substitute(dim, symbols)),
    })
    for (const { name, type } of graph.inputs) if (!parameters.has(name) && type) g.input(rename(name), typeOf(type))
    for (const node of graph.nodes) {
      const name = rename(node.outputs[0] ?? '')
      g.append({ ...renameReads(node, rename), name, outputs: node.outputs.map(rename) })
      for (const output of node.outputs) {
        const type = tower.types.get(output)
        if (type) g.setType(rename(output), typeOf(type))
      }
    }
    lookups.push(...looked.map((one) => ({ table: one.table, rows: rename(one.rows), taken: rename(one.taken) })))
    embeddings.push(rename(tower.output))
  }
  return { g, lookups, embeddings }
}

/** Appends the reverse pass and names its results as outputs. */
function finish(
  tower: Tower,
  g: GraphBuilder,
  lookups: readonly Lookup[],
  { seeds, extra }: { readonly seeds: ReadonlyMap<ValueName, ValueName>; readonly extra: readonly ValueName[] },
): GradientGraph & { readonly outputs: readonly ValueName[] } {
  const tables = new Set(lookups.map(({ table }) => table))
  const dense = [...tower.parameters.keys()].filter((name) => !tables.has(name))
  const found = appendGradient(g, { seeds, targets: [...dense, ...lookups.map(({ taken }) => taken)] })
  const parameters = dense.filter((name) => found.has(name))
  const taken = lookups.filter((one) => found.has(one.taken))
  const inputs = new Set(g.build().inputs.map(({ name }) => name))
  const rows = [...new Set(taken.map((one) => one.rows))].filter((name) => !inputs.has(name))
  const names = [
    ...extra,
    ...parameters.map((name) => found.get(name) ?? ''),
    ...taken.map((one) => found.get(one.taken) ?? ''),
    ...rows,
  ]
  for (const name of names) g.output(name)
  const built = g.build('step')
  const { graph } = absorbIntoGemm({ graph: built, types: g.types() })
  verifyGraph(graph)
  const outputs = graph.outputs.map(({ name }) => name)
  const at = (index: number) => outputs[index] ?? ''
  return {
    model: { ...tower.model, graph: { ...graph, outputs: untyped(outputs) } },
    outputs: outputs.slice(0, extra.length),
    gradients: new Map(parameters.map((name, i) => [name, at(extra.length + i)])),
    rowGradients: taken.map(({ table, rows: from }, i) => ({
      table,
      rows: from,
      gradient: at(extra.length + parameters.length + i),
    })),
  }
}

/** The parameters whose gradients come as rows. */
export function tablesOf({ model, parameters }: Tower): Set<ValueName> {
  return new Set(lookupsOf(model.graph, new Set(parameters.keys())).map(({ table }) => table))
}

/** Tables that are read by Gather along their first axis and by nothing else. */
function lookupsOf({ nodes }: Graph, parameters: ReadonlySet<ValueName>): Lookup[] {
  const readers = new Map<ValueName, Graph['nodes'][number][]>()
  for (const node of nodes) {
    for (const name of new Set(node.inputs)) {
      if (parameters.has(name)) readers.set(name, [...(readers.get(name) ?? []), node])
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

/** Outputs whose types are worked out by the runtime; two gradients may be one value. */
function untyped(names: readonly ValueName[]) {
  return [...new Set(names)].map((name) => ({ name, type: undefined }))
}
