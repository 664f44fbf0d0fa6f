import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'
import { messageOf, QontrastError, systemCodeOf } from '../errors.ts'
import { isTypeError } from '../kinds.ts'

/** How UTF-16 is told from UTF-8. */
const marks: readonly { readonly bytes: readonly [number, number]; readonly encoding: string }[] = [
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
]
const brokenGzip = ['Z_DATA_ERROR', 'Z_BUF_ERROR']

/**
 * The text of a file, piece by piece: UTF-8, or UTF-16 with a byte order mark; gzip is unpacked. `file-unreadable` where a byte is neither,
 * so that no text is learned from that nobody wrote.
 */
export async function* textPieces(file: string): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | undefined
  let read = 0
  try {
    for await (const bytes of unpackedBytes(file)) {
      decoder ??= new TextDecoder(encodingOf(bytes), { fatal: true })
      yield withoutNul(decoder.decode(bytes, { stream: true }), file)
      read += bytes.length
    }
    if (decoder) yield decoder.decode()
  } catch (cause) {
    const code = systemCodeOf(cause)
    if (code !== undefined && brokenGzip.includes(code))
      throw new QontrastError('file-unreadable', `${file} cannot be unpacked: ${messageOf(cause)}.`, { cause })
    if (!isTypeError(cause)) throw cause
    throw notText(file, `is not valid ${decoder?.encoding === 'utf-8' ? 'UTF-8' : 'UTF-16'} after byte ${read}`, cause)
  }
}

/** The first bytes of a file, by which its kind is known. */
export async function beginningOf(file: string, bytes: number): Promise<Buffer> {
  await using handle = await open(file)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0)
  return buffer.subarray(0, bytesRead)
}

async function* unpackedBytes(file: string): AsyncGenerator<Buffer, void, undefined> {
  const [first, second] = await beginningOf(file, 2)
  const source = createReadStream(file)
  const isGzip = first === 0x1f && second === 0x8b
  const bytes: AsyncIterable<Buffer> = isGzip ? pipeline(source, createGunzip(), () => {}) : source // errors reach the loop
  yield* bytes
}

function encodingOf(bytes: Buffer): string {
  return marks.find((mark) => mark.bytes.every((byte, i) => bytes[i] === byte))?.encoding ?? 'utf-8'
}

function withoutNul(text: string, file: string): string {
  if (!text.includes('\0')) return text
  throw notText(
    file,
    'is not valid UTF-8: it holds NUL characters, so it is binary, or UTF-16 without a byte order mark',
  )
}

function notText(file: string, reason: string, cause?: unknown): QontrastError {
  const remedy = `Convert it first, for example: iconv -f windows-1252 -t utf-8 ${file} > converted.`
  return new QontrastError('file-unreadable', `${file} ${reason}. ${remedy}`, { cause })
}
