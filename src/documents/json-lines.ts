import { type JsonObject, type JsonValue, linesOf, messageOf, parseJson } from '../shared/index.ts'
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
      const row = parseJson(line)
      if (!isObject(row)) throw new Error('the line is no JSON object')
      yield rowToDocument(row, columnsOf(Object.keys(row), options), path, number)
    } catch (error) {
      fail(number, messageOf(error))
    }
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
