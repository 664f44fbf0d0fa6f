import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { QontrastError } from '../shared/index.ts'

const byteOrderMarks: readonly { bytes: readonly number[]; encoding: string }[] = [
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
]

/** Reads a text file: UTF-8, or UTF-16 where a byte order mark says so. `file-unreadable` for binary files. */
export async function readTextFile(file: string): Promise<string> {
  const bytes = await readFile(file)
  const marked = byteOrderMarks.find((mark) => mark.bytes.every((byte, i) => bytes[i] === byte))
  const text = new TextDecoder(marked?.encoding ?? 'utf-8').decode(bytes)
  if (text.includes('\0')) throw new QontrastError('file-unreadable', 'it holds NUL bytes, so it is no text.')
  return text
}

/** A title for a file that has none: its name without the extension. */
export function titleFromName(file: string): string {
  return path.basename(file, path.extname(file))
}
