import { type JsonObject, type JsonValue, messageOf } from '../shared/index.ts'
import { streamTextFile } from './decode.ts'
import type { Reader } from './reader.ts'
import { columnsOf, rowToDocument } from './rows.ts'

/** A JSON object a line, read line by line; a malformed one is reported by its number. */
export const readJsonLines: Reader = async function* ({ file, path }, options, { fail, read }) {
  let number = 0
  for await (const line of linesOf(streamTextFile(file, read))) {
    number += 1
    if (line.trim() === '') continue
    try {
      const row: JsonValue = JSON.parse(line)
      if (!isObject(row)) throw new Error('the line is no JSON object')
      yield rowToDocument(row, columnsOf(Object.keys(row), options), path, number)
    } catch (error) {
      fail(number, messageOf(error))
    }
  }
}

/** Only a line feed ends a line: JSON strings may hold U+2028 and U+2029, which readline takes for line ends. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let line = ''
  for await (const chunk of chunks) {
    const [end = '', ...lines] = chunk.split('\n')
    line += end
    for (const next of lines) {
      yield line
      line = next
    }
  }
  yield line
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
