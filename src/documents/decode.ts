import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { TextDecoder } from '@exodus/bytes/encoding.js'
import { isTypeError, QontrastError } from '../shared/index.ts'
import { brokenUtf8, detectEncoding, placeOf, sampleBytes } from './encoding/detect.ts'
import { scanUtf8 } from './encoding/scan-utf8.ts'

export interface DecodeOptions {
  /** How files are read that are no UTF-8; without it, it is recognised or refused. */
  readonly encoding?: string | undefined
  /** Told the encoding of a file that is no UTF-8. */
  readonly onEncoding?: ((encoding: string) => void) | undefined
}

/** Most bytes of a file that is read whole. */
export const largestWhole = 64 * 1024 * 1024

/** Reads a file whole. `too-large` beyond a limit. */
export async function readWhole(file: string, limit: number = largestWhole): Promise<Buffer> {
  const { size } = await stat(file)
  if (size > limit) {
    const given = `${Math.ceil(size / 1_048_576)} MiB`
    throw new QontrastError(
      'too-large',
      `it has ${given}; files of this kind are read up to ${limit / 1_048_576} MiB. Split it.`,
    )
  }
  return readFile(file)
}

/**
 * Reads a text file: UTF-8, UTF-16, or an older encoding that is recognised with certainty or asked for; what cannot be decoded is never
 * replaced. `file-unreadable` names what is wrong.
 */
export async function readTextFile(file: string, options: DecodeOptions = {}): Promise<string> {
  return decodeText(await readWhole(file), options)
}

/** Decodes a text as {@link readTextFile} does. */
export async function decodeText(bytes: Uint8Array, { encoding, onEncoding }: DecodeOptions = {}): Promise<string> {
  const found = await detectEncoding({ bytes, complete: true, encoding })
  if (!found.startsWith('utf-8')) onEncoding?.(found)
  return decodeAs(bytes, found)
}

/** Decodes all of a text, or throws where. */
export function decodeAs(bytes: Uint8Array, encoding: string): string {
  try {
    return textOf(new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding)
  } catch (error) {
    throw whereBroken(error, { bytes, encoding, offset: 0, lines: 0 })
  }
}

/** Streams a text file, decoded as {@link readTextFile} does; `onBytes` is told how many bytes were read so far. */
export async function* streamTextFile(
  file: string,
  onBytes: (bytes: number) => void,
  { encoding, onEncoding }: DecodeOptions = {},
): AsyncGenerator<string> {
  let decode: ((bytes: Uint8Array, last: boolean) => string) | undefined
  let held: Uint8Array[] = []
  let heldBytes = 0
  let place = { offset: 0, lines: 0 }
  let read = 0

  const begin = async (complete: boolean): Promise<string> => {
    const bytes = Buffer.concat(held)
    held = []
    const found = await detectEncoding({ bytes, complete, encoding, ...place })
    if (found !== 'utf-8') onEncoding?.(found)
    decode = createDecoder(found, place)
    return decode(bytes, complete)
  }

  const source: AsyncIterable<Buffer> = createReadStream(file)
  for await (const bytes of source) {
    read += bytes.length
    onBytes(read)
    if (decode) {
      yield decode(bytes, false)
    } else if (heldBytes === 0 && !encoding && isPlainAscii(bytes)) {
      place = { offset: place.offset + bytes.length, lines: place.lines + feeds(bytes) }
      yield bytes.toString('latin1')
    } else {
      held.push(bytes)
      heldBytes += bytes.length
      if (heldBytes >= sampleBytes) yield await begin(false)
    }
  }
  if (!decode) {
    if (heldBytes > 0) yield await begin(true)
  } else {
    yield decode(new Uint8Array(0), true)
  }
}

/** A title for a file that has none: its name without the extension. */
export function titleFromName(file: string): string {
  return path.basename(file, path.extname(file))
}

/** No byte of it tells an encoding: neither beyond ASCII nor zero nor an escape. */
function isPlainAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte > 0x7f || byte === 0 || byte === 0x1b) return false
  return true
}

/** A decoder that says in which line it met what is none of its bytes. */
function createDecoder(encoding: string, start: { readonly offset: number; readonly lines: number }) {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: start.offset > 0 })
  let { offset, lines } = start
  let before = new Uint8Array(0)
  return (bytes: Uint8Array, last: boolean): string => {
    try {
      const text = textOf(decoder.decode(bytes, { stream: !last }), encoding)
      offset += bytes.length
      lines += feeds(bytes)
      before = bytes.length === 0 ? before : bytes.slice(-3)
      return text
    } catch (error) {
      const joined = Buffer.concat([before, bytes])
      throw whereBroken(error, {
        bytes: joined,
        encoding,
        offset: offset - before.length,
        lines: lines - feeds(before),
      })
    }
  }
}

/** A text that decodes and holds NUL is binary all the same. */
function textOf(text: string, encoding: string): string {
  if (!text.includes('\0')) return text
  throw new QontrastError('file-unreadable', `it holds NUL characters (read as ${encoding}), so it is no text.`)
}

interface Broken {
  readonly bytes: Uint8Array
  readonly encoding: string
  readonly offset: number
  readonly lines: number
}

function whereBroken(error: unknown, { bytes, encoding, ...place }: Broken): unknown {
  if (!isTypeError(error)) return error
  if (encoding === 'utf-8') {
    const start = bytes.findIndex((byte) => byte < 0x80 || byte >= 0xc0)
    const { firstBroken = 0 } = scanUtf8(bytes.subarray(Math.max(0, start)), true)
    return brokenUtf8(bytes, firstBroken + Math.max(0, start), place)
  }
  const at = firstUndecodable(bytes, encoding)
  return new QontrastError(
    'file-unreadable',
    `it is read as ${encoding}, which has no such character: ${placeOf(bytes, at, place)}. Mend it there, or name another encoding (--encoding).`,
    { cause: error },
  )
}

/** Where decoding stops: the length of the longest beginning that decodes. */
function firstUndecodable(bytes: Uint8Array, encoding: string): number {
  let [good, bad] = [0, bytes.length]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    try {
      new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(0, middle), { stream: true })
      good = middle
    } catch {
      bad = middle
    }
  }
  return good
}

function feeds(bytes: Uint8Array): number {
  let lines = 0
  for (let i = bytes.indexOf(10); i >= 0; i = bytes.indexOf(10, i + 1)) lines += 1
  return lines
}
