import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { appendHead, type Processor, type TransformerFiles } from '../../embed/index.ts'
import {
  createBuilder,
  exposeStatistics,
  fuse,
  type Graph,
  inlineConstants,
  learnTypes,
  normalizeOpset,
  parseModel,
  prune,
  type Run,
  type Sizes,
  type TensorValue,
  type ValueName,
} from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { untrainable } from '../autodiff/index.ts'
import { toTensorValue } from '../tensors.ts'
import { withDropout } from './dropout.ts'
import { evaluateGraph } from './evaluate-graph.ts'
import { rolesOf } from './roles.ts'
import type { Tower } from './tower.ts'
import { findTrainable } from './trainable.ts'
import { writeTower } from './write-tower.ts'

/** Sizes of the two runs that types are learned from: such as no model has. */
const probes = [
  { batch: 3, sequence: 7 },
  { batch: 5, sequence: 11 },
] as const

export interface TowerOptions {
  readonly processor: Processor
  /** Probability of dropout. */
  readonly dropout?: number
}

/** A tower that was read from a file. */
export interface FileTower extends Tower {
  /** Weights of the file that are copies of a parameter, and of which. */
  readonly copies: ReadonlyMap<ValueName, ValueName>
}

/** Reads a transformer's ONNX file and settings into a tower. `model-invalid` where it cannot be trained, with the reason. */
export async function readTower(
  files: TransformerFiles,
  { processor, dropout: probability = 0 }: TowerOptions,
): Promise<FileTower> {
  const source = await readWhole(files.model.path)
  const parsed = parseModel(source, (location, range) => readBeside(files.model.externalData.get(location), range))
  const model = normalizeOpset(parsed)
  checkShapes(model.graph, processor)

  const output = files.plan.output.name
  const { graph, parameters, copies, notices } = findTrainable(
    prune({ ...model.graph, outputs: model.graph.outputs.filter(({ name }) => name === output) }),
    output,
  )
  const simplified = exposeStatistics(inlineConstants(withParametersAsInputs(graph, parameters, processor)))
  const types = await learnTypes({ ...model, graph: simplified }, evaluateGraph, [
    probeRun(probes[0], parameters, processor),
    probeRun(probes[1], parameters, processor),
  ])
  const { dropout, ...fused } = withDropout(fuse({ graph: prune(simplified), types }), probability)
  const outputName = fused.graph.outputs[0]?.name ?? output
  const g = createBuilder({ ...fused.graph, outputs: [] }, fused.types)
  const added = new Map<ValueName, TensorValue>()
  const { plan, layers, folder } = files
  const embeddings = appendHead(g, outputName, { pooling: plan.pooling, layers }, (name, tensor) => {
    added.set(name, tensor)
    return g.input(name, { dtype: tensor.dtype, dims: tensor.dims })
  })
  g.output(embeddings)
  const built = g.build('tower')
  const weights = new Map([...parameters, ...added])
  const roles = rolesOf(built, weights)
  const dimensions = g.dimsOf(embeddings)[1]
  const width = g.dimsOf(outputName).at(-1)
  if (typeof dimensions !== 'number')
    throw new QontrastError('model-invalid', `The model's vectors are of no fixed size: ${dimensions}.`)
  const external = new Map(
    [...parsed.graph.initializers].flatMap(([name, { bytes }]) =>
      bytes.buffer === source.buffer ? [] : [[name, bytes] as const],
    ),
  )
  return {
    model: { ...model, graph: built, opsets: new Map([...model.opsets, ['com.microsoft', 1]]) },
    types: g.types(),
    inputs: built.inputs.map(({ name }) => name).filter((name) => processor.feeds.has(name)),
    output: embeddings,
    dimensions,
    parameters: new Map([...weights].map(([name, value]) => [name, { value, role: roles.get(name) ?? 'weight' }])),
    buffers: new Map(),
    batchDependent: false,
    dropout,
    copies,
    notices: (await folder.has('config.json')) ? notices : [...notices, withoutConfig],
    identity: () => sha256([source, ...external.values(), ...[...added.values()].map(({ bytes }) => bytes)]),
    write: (to, values, options = {}) =>
      writeTower({ ...options, files, source, external, copies, added }, to, {
        values,
        tokenDimensions: typeof width === 'number' ? width : dimensions,
      }),
  }
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** Batches and lengths change from step to step. */
function checkShapes({ inputs }: Graph, { feeds }: Processor): void {
  const fixed = inputs.find(({ name, type }) => {
    const wanted = feeds.get(name)?.dims
    return type?.dims?.some((dim, axis) => typeof dim === 'number' && typeof wanted?.[axis] === 'string')
  })
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
    return readRange(file, offset, length ?? statSync(file).size - offset)
  } catch {
    return undefined
  }
}

/** A system's call reads no more than 2 GiB at a time. */
const mostAtOnce = 2 ** 28

function readRange(file: string, offset: number, length: number): Uint8Array<ArrayBuffer> | undefined {
  const descriptor = openSync(file, 'r')
  try {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      const read = readSync(descriptor, bytes, at, Math.min(mostAtOnce, length - at), offset + at)
      if (read === 0) return undefined
      at += read
    }
    return bytes
  } finally {
    closeSync(descriptor)
  }
}

/** Weights become inputs, and what the processor feeds gets its symbols. */
function withParametersAsInputs(
  graph: Graph,
  parameters: ReadonlyMap<ValueName, TensorValue>,
  { feeds }: Processor,
): Graph {
  const fed = graph.inputs.filter(({ name }) => !graph.initializers.has(name))
  return {
    ...graph,
    inputs: [
      ...fed.map(({ name, type }) => ({ name, type: feeds.get(name) ?? type })),
      ...[...parameters].map(([name, { dtype, dims }]) => ({ name, type: { dtype, dims } })),
    ],
    initializers: new Map([...graph.initializers].filter(([name]) => !parameters.has(name))),
  }
}

function probeRun(sizes: Sizes, parameters: ReadonlyMap<ValueName, TensorValue>, processor: Processor): Run {
  const feeds = Object.entries(processor.collate(processor.sample(sizes)))
  return {
    sizes,
    feeds: {
      ...Object.fromEntries(parameters),
      ...Object.fromEntries(feeds.map(([name, one]) => [name, toTensorValue(one)])),
    },
  }
}
