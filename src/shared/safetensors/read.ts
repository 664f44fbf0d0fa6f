import { open, readFile } from 'node:fs/promises'
import { z } from 'zod'
import { messageOf, QontrastError } from '../errors.ts'

/** What the head of a safetensors file says of a tensor. */
export interface TensorHead {
  readonly dtype: string
  readonly shape: readonly number[]
}

/** A tensor of a safetensors file, not copied out of it until it is converted. */
export interface StoredTensor extends TensorHead {
  /** The bytes as they lie in the file, little-endian. */
  readonly bytes: Uint8Array
  toFloat32(): Float32Array
}

const headerSchema = z.record(z.string(), z.unknown())
const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
})
const longestHeader = 100 << 20

/** How one value of each dtype is read at a byte offset. */
const readers: Record<string, { size: number; read: (view: DataView, offset: number) => number }> = {
  F64: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  F32: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { size: 2, read: (view, at) => halfToFloat(view.getUint16(at, true)) },
  BF16: { size: 2, read: (view, at) => bfloatToFloat(view.getUint16(at, true)) },
  I64: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  I32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  I16: { size: 2, read: (view, at) => view.getInt16(at, true) },
  I8: { size: 1, read: (view, at) => view.getInt8(at) },
  U8: { size: 1, read: (view, at) => view.getUint8(at) },
}

type Invalid = (reason: string) => QontrastError
type Entry = z.infer<typeof tensorSchema>

/** Reads a safetensors file (https://github.com/huggingface/safetensors#format); `model-invalid` where it is truncated or broken. */
export async function readSafetensors(file: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const content = await readFile(file)
  const invalid = invalidIn(file)
  const start = headerEnd(content, content.length, invalid)
  const tensors = new Map<string, StoredTensor>()
  for (const [name, { dtype, shape, data_offsets }] of entriesOf(content.subarray(8, start), invalid)) {
    const [from, to] = data_offsets
    const reader = readers[dtype]
    if (!reader) throw invalid(`tensor '${name}' is ${dtype}; supported: ${Object.keys(readers).join(', ')}`)
    const count = shape.reduce((product, size) => product * size, 1)
    if (to - from !== count * reader.size)
      throw invalid(`tensor '${name}' has ${to - from} bytes, its shape needs ${count * reader.size}`)
    if (start + to > content.length) throw invalid(`tensor '${name}' goes past its end`)
    const bytes = content.subarray(start + from, start + to)
    tensors.set(name, { dtype, shape, bytes, toFloat32: () => toFloat32(bytes, count, reader) })
  }
  return tensors
}

/** Reads what a safetensors file says of its tensors, and none of their values; `model-invalid` where its head is broken. */
export async function readSafetensorsHead(file: string): Promise<ReadonlyMap<string, TensorHead>> {
  const handle = await open(file)
  try {
    const invalid = invalidIn(file)
    const { size } = await handle.stat()
    const length = Buffer.alloc(Math.min(8, size))
    await handle.read(length, 0, length.length, 0)
    const header = Buffer.alloc(headerEnd(length, size, invalid) - 8)
    await handle.read(header, 0, header.length, 8)
    return new Map(entriesOf(header, invalid))
  } finally {
    await handle.close()
  }
}

function invalidIn(file: string): Invalid {
  return (reason) =>
    new QontrastError('model-invalid', `${file} is not a whole safetensors file: ${reason}. Fetch it again.`)
}

/** Where the header of a file of this size ends, by its first eight bytes. */
function headerEnd(beginning: Buffer, size: number, invalid: Invalid): number {
  if (size < 8) throw invalid(`it has ${size} bytes`)
  const end = 8 + Number(beginning.readBigUInt64LE(0))
  if (end - 8 > longestHeader || end > size) throw invalid('its header goes past its end')
  return end
}

function entriesOf(header: Uint8Array, invalid: Invalid): [string, Entry][] {
  return Object.entries(parseHeader(header, invalid)).flatMap(([name, entry]): [string, Entry][] => {
    if (name === '__metadata__') return []
    const parsed = tensorSchema.safeParse(entry)
    if (!parsed.success) throw invalid(`tensor '${name}' is not described as it should be`)
    return [[name, parsed.data]]
  })
}

function parseHeader(bytes: Uint8Array, invalid: Invalid): Record<string, unknown> {
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (cause) {
    throw invalid(`its header is no JSON object (${messageOf(cause)})`)
  }
}

function toFloat32(bytes: Uint8Array, count: number, { size, read }: (typeof readers)[string]): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) values[i] = read(view, i * size)
  return values
}

/** IEEE 754 binary16 bits to a number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * 2 ** -24 * fraction
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * 2 ** (exponent - 25) * (1024 + fraction)
}

const scratch = new DataView(new ArrayBuffer(4))

function bfloatToFloat(bits: number): number {
  scratch.setUint32(0, bits << 16)
  return scratch.getFloat32(0)
}
