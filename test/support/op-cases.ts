import { InferenceSession, Tensor } from 'onnxruntime-node'
import { appendGradient } from '../../src/finetune/autodiff/index.ts'
import {
  type Attribute,
  type AttributeInput,
  createBuilder,
  type Dims,
  float32Of,
  type Graph,
  type GraphBuilder,
  intOf,
  type OpName,
  serializeModel,
  sizeOf,
  type TensorValue,
  type ValueName,
  type ValueType,
} from '../../src/graph/index.ts'
import { createRunner, type Device, type HostTensor, type Runner } from '../../src/runtime/index.ts'
import { createRandom } from '../../src/shared/index.ts'
import { imageOpCases } from './image-op-cases.ts'
import { inner, norm } from './training.ts'

/** One way to use an operator: what is differentiated (`inputs`, their dims), what else it is given, and where its values may lie. */
export interface OpCase {
  readonly op: OpName
  readonly inputs: readonly (readonly number[])[]
  /** Where nothing is said, as the builder infers it. */
  readonly output?: readonly number[]
  readonly attributes?: Readonly<Record<string, AttributeInput>>
  /** All inputs in order, where some are constants: `x0` stands for the first of `inputs`. */
  readonly given?: (g: GraphBuilder, x: readonly ValueName[]) => ValueName[]
  readonly domain?: readonly [from: number, to: number]
  readonly outputs?: number
  /** Of the graph; 20 where nothing is said. */
  readonly opset?: number
  /** ONNX Runtime has no kernel of float64, for it or in its gradient. */
  readonly float32?: true
  /** Of its sizes only the batch, the first dim of the first input, may be a symbol. */
  readonly isImage?: true
}

const positive = [0.5, 2] as const
const axes =
  (...values: number[]) =>
  (g: GraphBuilder, x: readonly ValueName[]) => [...x, g.ints(values)]
const elementwise = (op: OpName, domain?: OpCase['domain']): OpCase => ({
  op,
  inputs: [[2, 3]],
  output: [2, 3],
  ...(domain ? { domain } : {}),
})
const broadcast = (op: OpName, domain?: OpCase['domain']): OpCase[] => [
  {
    op,
    inputs: [
      [2, 3],
      [2, 3],
    ],
    output: [2, 3],
    ...(domain ? { domain } : {}),
  },
  { op, inputs: [[2, 3], [3]], output: [2, 3], ...(domain ? { domain } : {}) },
  {
    op,
    inputs: [
      [4, 1, 3],
      [2, 1],
    ],
    output: [4, 2, 3],
    ...(domain ? { domain } : {}),
  },
  { op, inputs: [[], [2, 3]], output: [2, 3], ...(domain ? { domain } : {}) },
]
const reduction = (op: OpName, domain?: OpCase['domain']): OpCase[] => [
  { op, inputs: [[2, 3, 4]], output: [2, 1, 4], given: axes(1), ...(domain ? { domain } : {}) },
  {
    op,
    inputs: [[2, 3, 4]],
    output: [2, 4],
    attributes: { keepdims: 0 },
    given: axes(1),
    ...(domain ? { domain } : {}),
  },
  {
    op,
    inputs: [[2, 3, 4]],
    output: [2],
    attributes: { keepdims: 0 },
    given: axes(-1, 1),
    ...(domain ? { domain } : {}),
  },
  { op, inputs: [[2, 3]], output: [], attributes: { keepdims: 0 }, ...(domain ? { domain } : {}) },
]

/** Numbers that are known when the graph runs. */
const atRunTime = (g: GraphBuilder, values: readonly number[]) => {
  const value = g.op('Abs', [g.ints(values.map(Math.abs))])
  const signs = values.map((one) => (one < 0 ? -1 : 1))
  return g.op('Mul', [value, g.op('Sign', [g.ints(signs)])])
}

interface SliceCase {
  readonly start: readonly number[]
  readonly end: readonly number[]
  readonly along?: readonly number[]
  readonly step?: readonly number[]
}

/** A part of `[4, 5]`, once taken at constant places and once at places that are known when the graph runs. */
const partOf = (output: readonly number[], { start, end, along, step }: SliceCase): OpCase[] =>
  [(g: GraphBuilder, values: readonly number[]) => g.ints(values), atRunTime].map((place) => ({
    op: 'Slice',
    inputs: [[4, 5]],
    output,
    given: (g, [x = '']) => [
      x,
      place(g, start),
      place(g, end),
      ...(along ? [g.ints(along)] : []),
      ...(step ? [g.ints(step)] : []),
    ],
  }))
const last = Number.MAX_SAFE_INTEGER
const sliceCases = [
  ...partOf([2, 3], { start: [1, -4], end: [3, 4] }),
  ...partOf([4, 2], { start: [3], end: [last], along: [-1] }),
  ...partOf([4, 3], { start: [-3], end: [last], along: [1] }),
  ...partOf([4, 2], { start: [0], end: [-3], along: [1] }),
  ...partOf([4, 5], { start: [-9, 0], end: [9, last] }),
  ...partOf([4, 0], { start: [3], end: [2], along: [1] }),
  ...partOf([4, 0], { start: [9], end: [last], along: [1] }),
  ...partOf([4, 3], { start: [0], end: [last], along: [1], step: [2] }),
  ...partOf([4, 2], { start: [1], end: [last], along: [1], step: [2] }),
  ...partOf([2, 5], { start: [-1, -1], end: [-last, -last], along: [0, 1], step: [-2, -1] }),
]

export const opCases: readonly OpCase[] = [
  ...broadcast('Add'),
  ...broadcast('Sub'),
  ...broadcast('Mul'),
  ...broadcast('Div', positive),
  ...broadcast('Pow', positive),
  ...broadcast('Max'),
  ...broadcast('Min'),
  { op: 'Max', inputs: [[2, 3], [2, 3], [3]], output: [2, 3] },
  {
    op: 'Where',
    inputs: [[2, 3], [3]],
    output: [2, 3],
    given: (g, x) => [g.op('Greater', [x[0] ?? '', g.scalar(0)]), ...x],
  },
  { ...elementwise('Clip'), given: (g, [x = '']) => [x, g.scalar(-0.5), g.scalar(0.75)] },
  { ...elementwise('Clip'), given: (g, [x = '']) => [x, '', g.scalar(0.75)] },
  { ...elementwise('Clip'), given: (g, [x = '']) => [x, g.scalar(1e-12)] },
  elementwise('Abs'),
  elementwise('Neg'),
  elementwise('Sqrt', positive),
  elementwise('Reciprocal', positive),
  elementwise('Exp'),
  elementwise('Log', positive),
  elementwise('Sin'),
  elementwise('Cos'),
  { ...elementwise('Erf'), float32: true },
  elementwise('Tanh'),
  elementwise('Sigmoid'),
  elementwise('Relu'),
  { ...elementwise('Softplus'), float32: true },
  { ...elementwise('Gelu'), float32: true },
  { ...elementwise('Gelu'), attributes: { approximate: 'tanh' }, float32: true },
  elementwise('Identity'),
  { ...elementwise('Cast'), attributes: { to: 1 } },
  {
    op: 'MatMul',
    inputs: [
      [2, 3],
      [3, 4],
    ],
    output: [2, 4],
  },
  {
    op: 'MatMul',
    inputs: [
      [2, 2, 3],
      [3, 4],
    ],
    output: [2, 2, 4],
  },
  {
    op: 'MatMul',
    inputs: [
      [2, 1, 2, 3],
      [5, 3, 4],
    ],
    output: [2, 5, 2, 4],
  },
  {
    op: 'Gemm',
    inputs: [
      [2, 3],
      [3, 4],
    ],
    output: [2, 4],
  },
  { op: 'Gemm', inputs: [[2, 3], [3, 4], [4]], output: [2, 4], attributes: { alpha: 0.5, beta: { float: 2 } } },
  {
    op: 'Gemm',
    inputs: [
      [3, 2],
      [3, 4],
      [2, 1],
    ],
    output: [2, 4],
    attributes: { transA: 1 },
  },
  {
    op: 'Gemm',
    inputs: [
      [2, 3],
      [4, 3],
    ],
    output: [2, 4],
    attributes: { transB: 1 },
  },
  {
    op: 'Gemm',
    inputs: [
      [3, 2],
      [4, 3],
    ],
    output: [2, 4],
    attributes: { transA: 1, transB: 1 },
  },
  ...reduction('ReduceSum'),
  ...reduction('ReduceMean'),
  ...reduction('ReduceMax'),
  ...reduction('ReduceMin'),
  ...reduction('ReduceL2', positive),
  ...reduction('ReduceSumSquare'),
  ...reduction('ReduceLogSumExp'),
  { op: 'Softmax', inputs: [[2, 3, 4]], output: [2, 3, 4] },
  { op: 'Softmax', inputs: [[2, 3, 4]], output: [2, 3, 4], attributes: { axis: 1 } },
  { op: 'LogSoftmax', inputs: [[2, 3]], output: [2, 3], attributes: { axis: -1 } },
  { op: 'LayerNormalization', inputs: [[2, 3, 4], [4], [4]], output: [2, 3, 4], attributes: { epsilon: 1e-5 } },
  { op: 'LayerNormalization', inputs: [[2, 4], [4]], output: [2, 4], attributes: { axis: 1, epsilon: 1e-3 } },
  { op: 'LayerNormalization', inputs: [[2, 4], [4], [4]], output: [2, 4], outputs: 3, float32: true },
  { op: 'Reshape', inputs: [[2, 6]], output: [3, 4], given: axes(3, -1) },
  { op: 'Flatten', inputs: [[2, 3, 4]], output: [2, 12] },
  { op: 'Squeeze', inputs: [[2, 1, 3]], output: [2, 3], given: axes(1) },
  { op: 'Unsqueeze', inputs: [[2, 3]], output: [2, 1, 3], given: axes(1) },
  { op: 'Transpose', inputs: [[2, 3, 4]], output: [4, 2, 3], attributes: { perm: [2, 0, 1] } },
  { op: 'Transpose', inputs: [[2, 3]], output: [3, 2] },
  { op: 'Expand', inputs: [[2, 1]], output: [4, 2, 3], given: axes(4, 2, 3) },
  {
    op: 'Concat',
    inputs: [
      [2, 3],
      [2, 1],
    ],
    output: [2, 4],
    attributes: { axis: 1 },
  },
  {
    op: 'Concat',
    inputs: [
      [2, 3],
      [1, 3],
      [4, 3],
    ],
    output: [7, 3],
    attributes: { axis: -2 },
  },
  ...sliceCases,
  { op: 'Tile', inputs: [[2, 3]], output: [4, 9], given: axes(2, 3) },
  { op: 'Tile', inputs: [[2, 1, 3]], output: [2, 4, 3], given: (g, [x = '']) => [x, atRunTime(g, [1, 4, 1])] },
  { op: 'Split', inputs: [[2, 6]], output: [2, 3], attributes: { axis: 1, num_outputs: 2 }, outputs: 2 },
  {
    op: 'Gather',
    inputs: [[5, 3]],
    output: [2, 2, 3],
    attributes: { axis: 0 },
    given: (g, [x = '']) => [x, g.op('Reshape', [g.ints([1, 4, 1, 0]), g.ints([2, 2])])],
  },
  { op: 'Gather', inputs: [[5, 2, 3]], output: [3, 2, 3], given: axes(2, 2, 0) },
  { op: 'Gather', inputs: [[2, 5, 3]], output: [2, 3, 3], attributes: { axis: 1 }, given: axes(4, -5, 4) },
  {
    op: 'Gather',
    inputs: [[2, 5, 3]],
    output: [2, 3],
    attributes: { axis: -2 },
    given: (g, [x = '']) => [x, g.op('Reshape', [g.ints([1]), g.ints([])])],
  },
  {
    op: 'GatherElements',
    inputs: [[3, 3]],
    output: [2, 3],
    attributes: { axis: 0 },
    given: (g, [x = '']) => [x, g.op('Reshape', [g.ints([0, 2, 1, 0, 2, 2]), g.ints([2, 3])])],
  },
  ...imageOpCases,
]

/** Writes a case's operator, over inputs x0… of the dims given; its outputs. */
export function writeOp(
  g: GraphBuilder,
  { op, inputs, attributes = {}, given = (_, x) => [...x], outputs = 1 }: OpCase,
  dims: readonly Dims[] = inputs,
): { readonly x: readonly ValueName[]; readonly y: readonly ValueName[] } {
  const x = dims.map((own, i) => g.input(`x${i}`, { dtype: 'float32', dims: own }))
  const all = given(g, x)
  return { x, y: outputs === 1 ? [g.op(op, all, attributes)] : g.ops(op, all, outputs, attributes) }
}

/** A graph of one operator and its gradient: inputs x0…, upstream u; outputs y and a gradient for each input. */
export function buildCase(one: OpCase, dims: readonly Dims[] = one.inputs) {
  const g = createBuilder()
  const {
    x,
    y: [y = ''],
  } = writeOp(g, one, dims)
  const u = g.input('u', { dtype: 'float32', dims: g.dimsOf(y) })
  const gradients = appendGradient(g, { seeds: new Map([[y, u]]), targets: x })
  g.output(y)
  for (const name of x) g.output(gradients.get(name) ?? '')
  const graph = g.build()
  return {
    graph: { ...graph, outputs: graph.outputs.map(({ name }) => ({ name, type: undefined })) },
    types: g.types(),
    y,
    dims: one.output ?? g.dimsOf(y).map(Number),
    gradients: x.map((name) => gradients.get(name) ?? ''),
  }
}

export function openGraph(graph: Graph, device: Device = 'cpu', opset?: number): Promise<Runner> {
  return createRunner(serialized(graph, opset), { device, threads: 2, strict: device !== 'cpu' })
}

function serialized(graph: Graph, opset = 20): Uint8Array<ArrayBuffer> {
  const opsets = new Map([
    ['', opset],
    ['com.microsoft', 1],
  ])
  return serializeModel({ graph, irVersion: 9, opsets, functions: [] })
}

export function floats(dims: readonly number[], data: ArrayLike<number>): HostTensor {
  return { dtype: 'float32', dims, data: Float32Array.from(data) }
}

export function numbers(tensor: HostTensor | undefined): Float32Array {
  return tensor?.dtype === 'float32' ? tensor.data : new Float32Array()
}

export function titleOf({ op, inputs, attributes = {} }: OpCase): string {
  return `${op} ${inputs.map((dims) => `[${dims}]`).join(' ')} ${JSON.stringify(attributes)}`
}

/**
 * How far ⟨v, gradient(u)⟩ is from the slope of ⟨u, y⟩ along v, for random u and v, relative to their lengths, in float64 where the runtime has it; the
 * error that is allowed; and whether gradients have the dims of inputs.
 */
export async function gradientError(one: OpCase, device: Device = 'cpu') {
  const { graph, y, dims: output, gradients } = buildCase(one)
  const isDouble = device === 'cpu' && !one.float32
  const runner = isDouble ? await openDoubles(graph, one.opset) : await openFloats(graph, device, one.opset)
  const random = createRandom(7)
  const [from, to] = one.domain ?? [-1.5, 1.5]
  // none near 0, where Abs and Relu have their corner
  const draw = (dims: readonly number[]) =>
    Array.from({ length: sizeOf(dims) }, () => {
      const value = from + (to - from) * random()
      return Math.abs(value) < 0.05 ? value + 0.1 : value
    })
  const direction = (dims: readonly number[]) => Array.from({ length: sizeOf(dims) }, () => 2 * random() - 1)
  const x = one.inputs.map(draw)
  const v = one.inputs.map(direction)
  const u = direction(output)
  const step = isDouble ? 1e-5 : 4e-3
  const at = async (scale: number) => {
    const moved = x.map((values, i) => values.map((value, k) => value + scale * (v[i]?.[k] ?? 0)))
    const feeds = moved.map((values, i) => [`x${i}`, { dims: one.inputs[i] ?? [], data: values }] as const)
    return runner.run({ ...Object.fromEntries(feeds), u: { dims: output, data: u } })
  }
  const [before, here, after] = [await at(-step), await at(0), await at(step)]
  await runner.release()
  const valuesOf = (results: Floats, name: string) => results[name]?.data ?? []
  const slope = (inner(u, valuesOf(after, y)) - inner(u, valuesOf(before, y))) / (2 * step)
  const predicted = gradients.reduce((sum, name, i) => sum + inner(v[i] ?? [], valuesOf(here, name)), 0)
  const scale = norm(u) * norm(v.flat())
  const dims = gradients.every((name, i) => String(here[name]?.dims) === String(one.inputs[i]))
  // nothing is taken of an empty part
  return { error: Math.abs(predicted - slope) / (scale || 1), dims, allowed: isDouble ? 1e-7 : 1e-3 }
}

type Floats = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: ArrayLike<number> }>>

interface FloatRunner {
  run(feeds: Floats): Promise<Floats>
  release(): Promise<void>
}

/** The graph's floats as they are. */
async function openFloats(graph: Graph, device: Device, opset: number | undefined): Promise<FloatRunner> {
  const runner = await openGraph(graph, device, opset)
  return {
    async run(feeds) {
      const given = Object.entries(feeds).map(([name, { dims, data }]) => [name, floats(dims, data)] as const)
      const results = Object.entries(await runner.run(Object.fromEntries(given)))
      return Object.fromEntries(results.map(([name, tensor]) => [name, { dims: tensor.dims, data: numbers(tensor) }]))
    },
    release: () => runner.release(),
  }
}

/** All its floats of 64 bits. */
async function openDoubles(graph: Graph, opset: number | undefined): Promise<FloatRunner> {
  const session = await InferenceSession.create(serialized(inFloat64(graph), opset), { intraOpNumThreads: 2 })
  return {
    async run(feeds) {
      const given = session.inputNames.map((name) => {
        const { dims = [], data = [] } = feeds[name] ?? {}
        return [name, new Tensor('float64', Float64Array.from(data), dims)] as const
      })
      const results = Object.entries(await session.run(Object.fromEntries(given)))
      return Object.fromEntries(
        results.map(([name, { dims, data }]) => [name, { dims, data: Float64Array.from(data, Number) }]),
      )
    },
    release: () => session.release(),
  }
}

/** The same graph with all its floats of 64 bits. */
function inFloat64(graph: Graph): Graph {
  const wide = (type: ValueType | undefined): ValueType | undefined =>
    type?.dtype === 'float32' ? { ...type, dtype: 'float64' } : type
  const zero: Attribute = { kind: 'tensor', value: float64Tensor([0], [1]) }
  return {
    ...graph,
    inputs: graph.inputs.map(({ name, type }) => ({ name, type: wide(type) })),
    initializers: new Map(
      [...graph.initializers].map(([name, tensor]) => [
        name,
        tensor.dtype === 'float32' ? float64Tensor([...float32Of(tensor)], tensor.dims) : tensor,
      ]),
    ),
    nodes: graph.nodes.map((node) => ({
      ...node,
      attributes: {
        ...node.attributes,
        ...(node.op === 'Cast' && intOf(node, 'to', 0) === 1 ? { to: { kind: 'int' as const, value: 11n } } : {}),
        ...(node.op === 'ConstantOfShape' ? { value: zero } : {}),
      },
    })),
  }
}

function float64Tensor(values: readonly number[], dims: readonly number[]): TensorValue {
  return { dtype: 'float64', dims, bytes: new Uint8Array(Float64Array.from(values).buffer) }
}
