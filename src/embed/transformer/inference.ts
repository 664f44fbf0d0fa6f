import type { InferenceSession, LoadedSession, Tensor } from '../../runtime/index.ts'
import { isKind, messageOf, normalizeInPlace, QontrastError } from '../../shared/index.ts'
import { halfToFloat } from '../safetensors.ts'
import { applyLayer } from './layers.ts'
import { checkInputs, inputValues, type PaddedLayout, padded, type TokenBatch } from './layout.ts'
import type { InferencePlan } from './plan.ts'
import { pool } from './pooling.ts'

/** Binds a session to its plan: a function from a batch to its vectors `[texts, dimensions]`, unit length, one after the other. */
export function createInference({ session, Tensor: TensorClass }: LoadedSession, plan: InferencePlan) {
  const inputTypes = new Map(session.inputMetadata.map((input) => [input.name, input.isTensor ? input.type : 'int64']))
  const output = plan.output.name
  checkInputs(session.inputNames)

  return async (batch: TokenBatch): Promise<Float32Array> => {
    const layout = padded(batch, plan)
    const shape = [batch.lengths.length, layout.sequence]
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => [name, integerTensor(inputTypes.get(name), inputValues[name]!(layout), shape)]),
    )
    const result = (await run(session, feeds, output))[output]
    if (!result) throw new QontrastError('model-invalid', `The model gave no output '${output}'.`)
    return vectorsOf(result, layout, batch, plan)
  }

  function integerTensor(type: string | undefined, values: Int32Array, shape: readonly number[]): Tensor {
    if (type === 'int32') return new TensorClass('int32', values, shape)
    return new TensorClass('int64', BigInt64Array.from(values, BigInt), shape)
  }
}

async function run(session: InferenceSession, feeds: Record<string, Tensor>, output: string) {
  try {
    return await session.run(feeds, [output])
  } catch (cause) {
    throw new QontrastError('model-invalid', `The model failed on a batch: ${messageOf(cause)}`, { cause })
  }
}

function vectorsOf(result: Tensor, layout: PaddedLayout, batch: TokenBatch, plan: InferencePlan): Float32Array {
  const values = toFloat32(result)
  const texts = batch.lengths.length
  const hidden = result.dims.at(-1) ?? 0
  const pooled = (text: number): Float32Array => {
    if (result.dims.length === 2) return values.slice(text * hidden, (text + 1) * hidden)
    const origin = text * layout.sequence + layout.offsets[text]!
    const from = origin + batch.skips[text]!
    return pool({ values, hidden, from, to: origin + batch.lengths[text]!, origin }, plan.pooling ?? ['mean'])
  }
  const layers = result.dims.length === 2 ? [] : plan.layers
  const vectors = Array.from({ length: texts }, (_, text) => normalizeInPlace(layers.reduce(applyLayer, pooled(text))))
  const dimensions = vectors[0]?.length ?? 0
  const out = new Float32Array(texts * dimensions)
  vectors.forEach((vector, text) => out.set(vector, text * dimensions))
  return out
}

function toFloat32(tensor: Tensor): Float32Array {
  const { data } = tensor
  if (isKind(data, 'Float32Array')) return data
  if (tensor.type === 'float16' && ArrayBuffer.isView(data)) {
    return Float32Array.from(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), halfToFloat)
  }
  throw new QontrastError('model-invalid', `The model's output is ${tensor.type}; float32 or float16 is expected.`)
}
