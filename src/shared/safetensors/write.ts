import { open } from 'node:fs/promises'

export interface TensorToWrite {
  readonly name: string
  readonly dtype: 'I8' | 'U8' | 'I32' | 'I64' | 'F32'
  readonly shape: readonly number[]
  /** Of the dtype, or of its bytes. */
  readonly values: Int8Array | Uint8Array | Int32Array | BigInt64Array | Float32Array
}

/**
 * Writes a safetensors file and has it on the disk when it resolves; the header is padded so that tensors begin at a multiple of 8 bytes.
 */
export async function writeSafetensors(file: string, tensors: readonly TensorToWrite[]): Promise<void> {
  let offset = 0
  const header = Object.fromEntries(
    tensors.map(({ name, dtype, shape, values }) => {
      const from = offset
      offset += values.byteLength
      return [name, { dtype, shape, data_offsets: [from, offset] }]
    }),
  )
  const text = JSON.stringify(header)
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  const bodies = tensors.map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  const handle = await open(file, 'w')
  try {
    for (const part of [length, Buffer.from(padded), ...bodies]) await handle.writeFile(part)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
