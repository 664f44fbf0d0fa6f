import {
  type AttributeInput,
  type GraphNode,
  int64Tensor,
  type Model,
  toAttribute,
  type ValueName,
  verifyGraph,
} from '../../../graph/index.ts'
import { tapeOf } from './names.ts'
import type { UpdateGraph } from './update.ts'

/**
 * Several steps as one graph: an ONNX Loop around the step's update, for devices whose binding gives no outputs in the device's memory. The state goes there
 * once, stays from step to step, and comes back once.
 */
export interface LoopGraph {
  readonly model: Model
  /** Scalar int64 input: how many steps. */
  readonly count: ValueName
  /** Outputs `[steps]`. */
  readonly losses: ValueName
  readonly norms: ValueName
  readonly metrics: ReadonlyMap<string, ValueName>
  /** Input of each value of the state → the output that holds it after the last step. */
  readonly next: ReadonlyMap<ValueName, ValueName>
  /** The step's own inputs, which are given as tapes. */
  readonly taped: readonly ValueName[]
}

const [iteration, place, following, going, one, count] = ['iteration', 'place', 'following', 'going', 'one', 'steps']

/** `values`: the inputs that are the state's; those of them without a next value neither change nor differ from step to step. */
export function buildLoopGraph(
  { model, loss, norm, metrics, next }: UpdateGraph,
  values: ReadonlySet<ValueName>,
): LoopGraph {
  const { graph } = model
  const state = graph.inputs.filter(({ name }) => next.has(name))
  const taped = graph.inputs.filter(({ name }) => !next.has(name) && !values.has(name))
  const told = [loss, norm, ...metrics.values()]
  const results = state.map(({ name }) => ({ name: `${name}/next`, type: undefined }))
  const body = {
    name: 'step',
    inputs: [
      { name: iteration, type: { dtype: 'int64', dims: [] } as const },
      { name: going, type: { dtype: 'bool', dims: [] } as const },
      ...state,
    ],
    outputs: [{ name: `${going}/next`, type: undefined }, ...results, ...told.map((_, i) => scalar(`told${i}`))],
    initializers: new Map([...graph.initializers, [one, int64Tensor([1], [1])]]),
    nodes: [
      node('Identity', [going], `${going}/next`),
      node('Reshape', [iteration, one], place),
      node('Add', [place, one], following),
      ...taped.flatMap(({ name, type }) => (type?.dims?.length === 0 ? readScalar(name) : readTensor(name))),
      ...graph.nodes,
      ...state.map(({ name }) => node('Identity', [next.get(name) ?? ''], `${name}/next`)), // an output may be two values' next
      ...told.map((value, i) => node('Identity', [value], `told${i}`)),
    ],
    values: [],
  }
  const after = new Map(state.map(({ name }) => [name, `${name}/after`]))
  const [losses = '', norms = '', ...others] = told.map((_, i) => `told${i}/all`)
  const outputs = [...after.values(), losses, norms, ...others]
  const whole = {
    name: 'steps',
    inputs: [
      { name: count, type: { dtype: 'int64', dims: [] } as const },
      ...graph.inputs.filter(({ name }) => next.has(name) || values.has(name)),
      ...taped.flatMap(({ name, type }) => {
        const tape = tapeOf(name)
        const rank = type?.dims?.length ?? 0
        const all = { name: tape.values, type: { dtype: type?.dtype ?? 'float32', dims: [tape.values] } } as const
        if (rank === 0) return [all]
        const bounds = { name: tape.bounds, type: { dtype: 'int64', dims: ['bounds'] } } as const
        return [all, bounds, { name: tape.dims, type: { dtype: 'int64', dims: ['count', rank] } } as const]
      }),
    ],
    outputs: outputs.map((name) => ({ name, type: undefined })),
    initializers: new Map(),
    nodes: [
      { ...node('Loop', [count, '', ...state.map(({ name }) => name)], losses, { body: { graph: body } }), outputs },
    ],
    values: [],
  }
  verifyGraph(whole)
  return {
    model: { ...model, graph: whole },
    count,
    losses,
    norms,
    metrics: new Map([...metrics.keys()].map((name, i) => [name, others[i] ?? ''])),
    next: after,
    taped: taped.map(({ name }) => name),
  }
}

/** This step's stretch of a tape, in its dims. */
function readTensor(name: ValueName): GraphNode[] {
  const tape = tapeOf(name)
  const [from, to, own, dims] = [`${name}/from`, `${name}/to`, `${name}/own`, `${name}/own_dims`]
  return [
    node('Gather', [tape.bounds, place], from),
    node('Gather', [tape.bounds, following], to),
    node('Slice', [tape.values, from, to], own),
    node('Gather', [tape.dims, iteration], dims),
    node('Reshape', [own, dims], name),
  ]
}

function readScalar(name: ValueName): GraphNode[] {
  return [node('Gather', [tapeOf(name).values, iteration], name)]
}

function scalar(name: ValueName) {
  return { name, type: { dtype: 'float32', dims: [] } } as const
}

function node(
  op: string,
  inputs: readonly ValueName[],
  output: ValueName,
  attributes: Readonly<Record<string, AttributeInput>> = {},
): GraphNode {
  const entries = Object.entries(attributes).map(([name, value]) => [name, toAttribute(value)] as const)
  return { name: output, op, inputs, outputs: [output], attributes: Object.fromEntries(entries) }
}
