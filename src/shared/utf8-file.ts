import { createReadStream } from 'node:fs'
import { TextDecoder } from 'node:util'
import { QontrastError } from './errors.ts'
import { isTypeError } from './kinds.ts'

/** The text of a UTF-8 file, piece by piece; `file-unreadable` where a byte is none, so that no text is learned from that nobody wrote. */
export async function* utf8Pieces(file: string): AsyncGenerator<string, void, undefined> {
  const source: AsyncIterable<Buffer> = createReadStream(file)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let read = 0
  try {
    for await (const bytes of source) {
      yield decoder.decode(bytes, { stream: true })
      read += bytes.length
    }
    yield decoder.decode()
  } catch (cause) {
    if (!isTypeError(cause)) throw cause
    throw new QontrastError(
      'file-unreadable',
      `${file} is not valid UTF-8 after byte ${read}. Convert it first, for example: iconv -f windows-1252 -t utf-8 ${file} > converted.`,
      { cause },
    )
  }
}
