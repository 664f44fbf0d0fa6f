import type { InferenceSession, OpenedSession, Tensor } from '../../runtime/index.ts'
import { messageOf, normalizeInPlace, QontrastError } from '../../shared/index.ts'
import { halfToFloat } from '../safetensors.ts'
import { applyDense, type DenseLayer } from './dense.ts'
import { pool } from './pooling.ts'
import type { PoolingMode } from './settings.ts'

/** Texts of one batch as token ids, one after the other without padding. */
export interface TokenBatch {
  readonly ids: Int32Array
  /** `[texts]` tokens of each text, and how many of its first tokens are not pooled. */
  readonly lengths: Int32Array
  readonly skips: Int32Array
}

/** What is done with a batch, besides running the model. */
export interface InferencePlan {
  readonly padId: number
  readonly padSide: 'left' | 'right'
  readonly pooling: readonly PoolingMode[]
  readonly dense: readonly DenseLayer[]
}

/** Outputs that hold one vector a token, in order of preference, and one vector a text. */
const tokenOutputs = ['last_hidden_state', 'token_embeddings', 'hidden_states', 'output_0', 'logits']
const sentenceOutputs = ['sentence_embedding', 'pooler_output', 'embeddings']

/** Binds a session to its plan: a function from a batch to its vectors `[texts, dimensions]`, unit length, one after the other. */
export function createInference({ session, Tensor: TensorClass }: OpenedSession, plan: InferencePlan) {
  const inputTypes = new Map(session.inputMetadata.map((input) => [input.name, input.isTensor ? input.type : 'int64']))
  const output = chooseOutput(session.outputNames)
  const unknown = session.inputNames.filter((name) => !(name in inputValues))
  if (unknown.length > 0) {
    throw new QontrastError(
      'model-invalid',
      `The model wants the input ${unknown.join(', ')}; a text encoder is given ${Object.keys(inputValues).join(', ')}.`,
    )
  }

  return async (batch: TokenBatch): Promise<Float32Array> => {
    const layout = padded(batch, plan)
    const shape = [batch.lengths.length, layout.sequence]
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => [
        name,
        integerTensor(inputTypes.get(name), inputValues[name]!(layout, plan), shape),
      ]),
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

interface PaddedLayout {
  readonly sequence: number
  /** `[texts × sequence]` */
  readonly ids: Int32Array
  /** First position of each text within its row. */
  readonly offsets: Int32Array
  readonly lengths: Int32Array
}

function padded({ ids, lengths }: TokenBatch, { padId, padSide }: InferencePlan): PaddedLayout {
  const sequence = Math.max(...lengths)
  const values = new Int32Array(lengths.length * sequence).fill(padId)
  const offsets = lengths.map((length) => (padSide === 'left' ? sequence - length : 0))
  let taken = 0
  lengths.forEach((length, text) => {
    values.set(ids.subarray(taken, taken + length), text * sequence + offsets[text]!)
    taken += length
  })
  return { sequence, ids: values, offsets, lengths }
}

/** How each input of a text encoder is filled, by its name. */
const inputValues: Record<string, (layout: PaddedLayout, plan: InferencePlan) => Int32Array> = {
  input_ids: ({ ids }) => ids,
  attention_mask: (layout) => perToken(layout, () => 1),
  token_type_ids: ({ ids }) => new Int32Array(ids.length),
  position_ids: (layout) => perToken(layout, (position) => position),
}

function perToken(
  { ids, offsets, lengths, sequence }: PaddedLayout,
  valueAt: (position: number) => number,
): Int32Array {
  const values = new Int32Array(ids.length)
  lengths.forEach((length, text) => {
    const base = text * sequence + offsets[text]!
    for (let position = 0; position < length; position++) values[base + position] = valueAt(position)
  })
  return values
}

function chooseOutput(names: readonly string[]): string {
  const known = [...tokenOutputs, ...sentenceOutputs].find((name) => names.includes(name))
  const chosen = known ?? names[0]
  if (chosen === undefined) throw new QontrastError('model-invalid', 'The model has no output.')
  return chosen
}

function vectorsOf(result: Tensor, layout: PaddedLayout, batch: TokenBatch, plan: InferencePlan): Float32Array {
  const values = toFloat32(result)
  const texts = batch.lengths.length
  const hidden = result.dims.at(-1) ?? 0
  const pooled = (text: number): Float32Array => {
    if (result.dims.length === 2) return values.slice(text * hidden, (text + 1) * hidden)
    const origin = text * layout.sequence + layout.offsets[text]!
    const from = origin + batch.skips[text]!
    return pool({ values, hidden, from, to: origin + batch.lengths[text]!, origin }, plan.pooling)
  }
  const dense = result.dims.length === 2 ? [] : plan.dense
  const vectors = Array.from({ length: texts }, (_, text) => normalizeInPlace(dense.reduce(applyDense, pooled(text))))
  const dimensions = vectors[0]?.length ?? 0
  const out = new Float32Array(texts * dimensions)
  vectors.forEach((vector, text) => out.set(vector, text * dimensions))
  return out
}

function toFloat32(tensor: Tensor): Float32Array {
  const { data } = tensor
  if (data instanceof Float32Array) return data
  if (tensor.type === 'float16' && ArrayBuffer.isView(data)) {
    return Float32Array.from(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), halfToFloat)
  }
  throw new QontrastError('model-invalid', `The model's output is ${tensor.type}; float32 or float16 is expected.`)
}
