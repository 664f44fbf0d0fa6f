import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { TextDecoder } from 'node:util'
import { QontrastError } from '../shared/index.ts'

const byteOrderMarks: readonly { bytes: readonly number[]; encoding: string }[] = [
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
]

/** Reads a text file: UTF-8, or UTF-16 where a byte order mark says so. `file-unreadable` for binary files. */
export async function readTextFile(file: string): Promise<string> {
  const bytes = await readFile(file)
  const text = decoderFor(bytes).decode(bytes)
  if (text.includes('\0')) throw new QontrastError('file-unreadable', 'it holds NUL bytes, so it is no text.')
  return text
}

/** Streams a text file, decoded as {@link readTextFile} does; `onBytes` is told how many bytes were read so far. */
export async function* streamTextFile(file: string, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const source: AsyncIterable<Buffer> = createReadStream(file)
  let decoder: TextDecoder | undefined
  let read = 0
  for await (const bytes of source) {
    decoder ??= decoderFor(bytes)
    read += bytes.length
    onBytes(read)
    yield decoder.decode(bytes, { stream: true })
  }
  if (decoder) yield decoder.decode()
}

/** A title for a file that has none: its name without the extension. */
export function titleFromName(file: string): string {
  return path.basename(file, path.extname(file))
}

function decoderFor(start: Uint8Array): TextDecoder {
  const marked = byteOrderMarks.find((mark) => mark.bytes.every((byte, i) => start[i] === byte))
  return new TextDecoder(marked?.encoding ?? 'utf-8')
}
