import { createBuilder, serializeModel } from '../../graph/index.ts'
import {
  type HostTensors,
  type InferenceSession,
  type LoadedSession,
  openSession,
  type Tensor,
} from '../../runtime/index.ts'
import { halfToFloat, isKind, messageOf, QontrastError } from '../../shared/index.ts'
import { appendHead, type Head } from '../head/head.ts'
import { readings } from '../head/reading.ts'

/** What is taken of a model, and what is made of it. */
export interface InferencePlan {
  /** Name of the model's output. */
  readonly output: string
  readonly head: Head
}

/** From a batch's feeds to its vectors `[items, dimensions]`, one after the other, not yet of unit length. */
export type Infer = (feeds: HostTensors) => Promise<Float32Array>

/** Binds a session to its plan. The sample is run once: what the model gives for it says how the head is built. */
export async function createInference(
  { session, Tensor: TensorClass }: LoadedSession,
  { output, head }: InferencePlan,
  sample: HostTensors,
): Promise<Infer> {
  const toTensors = (names: readonly string[], feeds: HostTensors) =>
    Object.fromEntries(names.map((name) => [name, tensorOf(TensorClass, name, feeds)]))
  const runModel = async (feeds: HostTensors): Promise<Tensor> => {
    const result = (await run(session, toTensors(session.inputNames, feeds), [output]))[output]
    if (!result) throw new QontrastError('model-invalid', `The model gave no output '${output}'.`)
    return widened(TensorClass, result)
  }

  const built = headGraph(await runModel(sample), head)
  if (!built) return async (feeds) => floatsOf(await runModel(feeds))
  const finish = await openSession(built, { device: 'cpu', threads: 1 }) // threads of its own would spin beside the model's
  const [vectors = ''] = finish.session.outputNames
  const names = finish.session.inputNames.filter((name) => name !== modelOutput)
  return async (feeds) => {
    const inputs = { ...toTensors(names, feeds), [modelOutput]: await runModel(feeds) }
    return floatsOf((await run(finish.session, inputs, [vectors]))[vectors])
  }
}

const modelOutput = 'model_output'

/** The head as a graph over the model's output; undefined where that is the vector already. */
function headGraph({ dims }: Tensor, head: Head): Uint8Array | undefined {
  checkRank(dims, head)
  const [, ...inner] = dims
  const g = createBuilder()
  const places = !head.reading && inner.length === 2 ? ['sequence', ...inner.slice(1)] : inner
  const output = g.input(modelOutput, { dtype: 'float32', dims: ['batch', ...places] })
  const vectors = appendHead(g, output, head, g.initializer)
  if (g.dimsOf(vectors).length !== 2)
    throw new QontrastError(
      'model-invalid',
      `The model gives [${dims}] for one input; a vector an input, or a token, is expected.`,
    )
  if (vectors === output) return undefined
  g.output(vectors)
  return serializeModel({ graph: g.build('head'), irVersion: 9, opsets: new Map([['', 20]]), functions: [] })
}

/** A reading that was chosen by names may meet an output of another form. */
function checkRank(dims: readonly number[], { reading }: Head): void {
  if (!reading) return
  const { rank, shape } = readings[reading]
  if (rank.includes(dims.length) && (reading !== 'vector' || dims.slice(2).every((size) => size === 1))) return
  throw new QontrastError(
    'model-invalid',
    `The model gives [${dims}] for one picture; ${shape} is expected. Name another output (--output).`,
  )
}

async function run(session: InferenceSession, feeds: Record<string, Tensor>, outputs: readonly string[]) {
  try {
    return await session.run(feeds, outputs)
  } catch (cause) {
    throw new QontrastError('model-invalid', `The model failed on a batch: ${messageOf(cause)}`, { cause })
  }
}

/** Half floats are widened here: the session would not take its own output as an input (onnxruntime-node 1.30 with Float16Array). */
function widened(TensorClass: LoadedSession['Tensor'], tensor: Tensor): Tensor {
  const { data, type, dims } = tensor
  if (type === 'float32') return tensor
  if (type !== 'float16' || !ArrayBuffer.isView(data))
    throw new QontrastError('model-invalid', `The model's output is ${type}; float32 or float16 is expected.`)
  const bits = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
  return new TensorClass('float32', Float32Array.from(bits, halfToFloat), dims)
}

function tensorOf(TensorClass: LoadedSession['Tensor'], name: string, feeds: HostTensors): Tensor {
  const value = feeds[name]
  if (value) return new TensorClass(value.dtype, value.data, value.dims)
  throw new QontrastError(
    'model-invalid',
    `The model wants the input ${name}; it is given ${Object.keys(feeds).join(', ')}.`,
  )
}

function floatsOf(tensor: Tensor | undefined): Float32Array {
  if (tensor && isKind(tensor.data, 'Float32Array')) return tensor.data
  throw new QontrastError('internal', `vectors came as ${tensor?.type}`)
}
