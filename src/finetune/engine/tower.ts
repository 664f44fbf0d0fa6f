import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { checkInputs, inputValues, padded, type TransformerFiles } from '../../embed/index.ts'
import {
  createBuilder,
  exposeStatistics,
  fuse,
  type Graph,
  inlineConstants,
  learnTypes,
  type Model,
  normalizeOpset,
  parseModel,
  prune,
  type Run,
  type TensorValue,
  type ValueName,
  type ValueType,
} from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { untrainable } from '../autodiff/index.ts'
import type { Parameter } from '../optimizer/parameter.ts'
import { type Dropout, withDropout } from './dropout.ts'
import { evaluateGraph } from './evaluate-graph.ts'
import { appendPooling } from './pooling.ts'
import { rolesOf } from './roles.ts'
import { findTrainable } from './trainable.ts'

/** A model made ready for training: its weights are inputs, its one output the embeddings `[batch, dimensions]`, not yet of unit length. */
export interface Tower {
  readonly model: Model
  readonly types: ReadonlyMap<ValueName, ValueType>
  /** Names of the inputs that texts are given by. */
  readonly inputs: readonly ValueName[]
  readonly parameters: ReadonlyMap<ValueName, Parameter>
  /** Statistics that a step reads as inputs and gives anew, each with the value that holds its next. */
  readonly buffers: ReadonlyMap<ValueName, { readonly value: TensorValue; readonly next: ValueName }>
  readonly embeddings: ValueName
  readonly dimensions: number
  /** Numbers of a token's vector, or of the text's where the model gives that itself. */
  readonly tokenDimensions: number
  readonly dropout: Dropout | undefined
  /** The file as it is, for export: weights go back into it under their names. */
  readonly source: Uint8Array<ArrayBuffer>
  /** Constants that lay in files beside it. */
  readonly external: ReadonlyMap<ValueName, Uint8Array<ArrayBuffer>>
  /** Weights of the file that are copies of a parameter, and of which. */
  readonly copies: ReadonlyMap<ValueName, ValueName>
  /** What the user should know about what is trained. */
  readonly notices: readonly string[]
}

/** Texts' lengths of the two runs that types are learned from: sizes that no model has. */
const probes = [
  { batch: 3, sequence: 7 },
  { batch: 5, sequence: 11 },
] as const

/** Reads a transformer's ONNX file and settings into a tower; `dropout` is the probability of it. `model-invalid` where it cannot be trained, with the reason. */
export async function readTower(files: TransformerFiles, { dropout: probability = 0 } = {}): Promise<Tower> {
  const source = await readWhole(files.model.path)
  const parsed = parseModel(source, (location, range) => readBeside(files.model.externalData.get(location), range))
  const model = normalizeOpset(parsed)
  const inputs = model.graph.inputs.map(({ name }) => name).filter((name) => !model.graph.initializers.has(name))
  checkInputs(inputs)
  checkShapes(model.graph, inputs)

  const output = files.plan.output.name
  const { graph, parameters, copies, notices } = findTrainable(
    prune({ ...model.graph, outputs: model.graph.outputs.filter(({ name }) => name === output) }),
    output,
  )
  const simplified = exposeStatistics(inlineConstants(withParametersAsInputs(graph, parameters)))
  const types = await learnTypes({ ...model, graph: simplified }, evaluateGraph, [
    probeRun(probes[0], graph, parameters, files),
    probeRun(probes[1], graph, parameters, files),
  ])
  const { dropout, ...fused } = withDropout(fuse({ graph: prune(simplified), types }), probability)
  const outputName = fused.graph.outputs[0]?.name ?? output
  const g = createBuilder({ ...fused.graph, outputs: [] }, fused.types)
  const dense = new Map<ValueName, TensorValue>()
  const embeddings = appendPooling(g, outputName, { files, addParameter: (name, tensor) => dense.set(name, tensor) })
  g.output(embeddings)
  const built = g.build('tower')
  const weights = new Map([...parameters, ...dense])
  const roles = rolesOf(built, weights)
  const dimensions = g.dimsOf(embeddings)[1]
  const width = g.dimsOf(outputName).at(-1)
  if (typeof dimensions !== 'number')
    throw new QontrastError('model-invalid', `The model's vectors are of no fixed size: ${dimensions}.`)
  return {
    model: { ...model, graph: built, opsets: new Map([...model.opsets, ['com.microsoft', 1]]) },
    types: g.types(),
    inputs,
    parameters: new Map([...weights].map(([name, value]) => [name, { value, role: roles.get(name) ?? 'weight' }])),
    buffers: new Map(),
    embeddings,
    dimensions,
    tokenDimensions: typeof width === 'number' ? width : dimensions,
    dropout,
    copies,
    notices: (await files.folder.has('config.json')) ? notices : [...notices, withoutConfig],
    source,
    external: new Map(
      [...parsed.graph.initializers].flatMap(([name, { bytes }]) =>
        bytes.buffer === source.buffer ? [] : [[name, bytes] as const],
      ),
    ),
  }
}

/** Batches and lengths change from step to step. */
function checkShapes({ inputs }: Graph, texts: readonly ValueName[]): void {
  const fixed = inputs.find(
    ({ name, type }) => texts.includes(name) && type?.dims?.some((dim) => typeof dim === 'number'),
  )
  if (!fixed) return
  throw untrainable(
    `its input '${fixed.name}' has the fixed shape [${fixed.type?.dims?.join(', ')}]. Export it with a dynamic batch and sequence (dynamic_axes, or dynamic_shapes with dynamo=True)`,
  )
}

const withoutConfig =
  'The model has no config.json: what is trained opens with loadEncoder, but not with sentence-transformers and transformers.js, which ask it for the family of the model. Put the config.json of the model into its folder.'

async function readWhole(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(file)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A stretch of a file that the model keeps weights in. */
function readBeside(file: string | undefined, { offset, length }: { offset: number; length: number | undefined }) {
  if (file === undefined) return undefined
  try {
    const bytes = readFileSync(file)
    return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length ?? bytes.byteLength - offset)
  } catch {
    return undefined
  }
}

/** Weights become inputs, texts' inputs get the symbols batch and sequence. */
function withParametersAsInputs(graph: Graph, parameters: ReadonlyMap<ValueName, TensorValue>): Graph {
  const texts = graph.inputs.filter(({ name }) => !graph.initializers.has(name))
  return {
    ...graph,
    inputs: [
      ...texts.map(({ name, type }) => ({
        name,
        type: { dtype: type?.dtype ?? 'int64', dims: ['batch', 'sequence'] },
      })),
      ...[...parameters].map(([name, { dtype, dims }]) => ({ name, type: { dtype, dims } })),
    ],
    initializers: new Map([...graph.initializers].filter(([name]) => !parameters.has(name))),
  }
}

/** Texts of one id that is not padding, all of the same length. */
function probeRun(
  sizes: { readonly batch: number; readonly sequence: number },
  graph: Graph,
  parameters: ReadonlyMap<ValueName, TensorValue>,
  { tokenizer }: TransformerFiles,
): Run {
  const id = tokenizer.padId === 0 ? 1 : 0
  const layout = padded(
    {
      ids: new Int32Array(sizes.batch * sizes.sequence).fill(id),
      lengths: new Int32Array(sizes.batch).fill(sizes.sequence),
      skips: new Int32Array(sizes.batch),
    },
    tokenizer,
  )
  const texts = graph.inputs.flatMap(({ name, type }) => {
    const fill = inputValues[name]
    if (!fill) return []
    const values = fill(layout)
    const dims = [sizes.batch, sizes.sequence]
    const data = type?.dtype === 'int32' ? values : BigInt64Array.from(values, BigInt)
    const bytes = new Uint8Array(data.buffer.slice(0) as ArrayBuffer)
    return [[name, { dtype: type?.dtype === 'int32' ? 'int32' : 'int64', dims, bytes } as const] as const]
  })
  return { sizes, feeds: { ...Object.fromEntries(parameters), ...Object.fromEntries(texts) } }
}
