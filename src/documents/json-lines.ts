import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { messageOf } from '../shared/index.ts'
import type { Reader } from './reader.ts'
import { rowToDocument } from './rows.ts'

const rowSchema = z.record(z.string(), z.json())

/** A JSON object a line, read line by line; a malformed one is reported by its number. */
export const readJsonLines: Reader = async function* ({ file, path }, options, fail) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  let number = 0
  for await (const line of lines) {
    number += 1
    const content = number === 1 ? line.replace(/^\ufeff/, '') : line
    if (content.trim() === '') continue
    try {
      yield rowToDocument(rowSchema.parse(JSON.parse(content)), path, number, options)
    } catch (error) {
      fail(number, error instanceof z.ZodError ? 'the line is no JSON object' : messageOf(error))
    }
  }
}
