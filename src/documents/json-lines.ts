import { type JsonObject, type JsonValue, linesOf, messageOf, parseJson } from '../shared/index.ts'
import { streamTextFile } from './decode.ts'
import type { Reader } from './reader.ts'
import { columnsOf, rowToDocument } from './rows.ts'

/** A JSON object a line, read line by line; a malformed one is reported by its number, and so is one without an id after others that have one. */
export const readJsonLines: Reader = async function* (source, options, { fail, read, encoding: onEncoding }) {
  let number = 0
  let idColumn: string | undefined
  for await (const line of linesOf(streamTextFile(source.file, read, { encoding: options.encoding, onEncoding }))) {
    number += 1
    if (line.trim() === '') continue
    try {
      const values = parseJson(line)
      if (!isObject(values)) throw new Error('the line is no JSON object')
      const columns = columnsOf(Object.keys(values), options)
      idColumn ??= columns.id
      const row = { values, line: number, lastLine: number }
      yield rowToDocument(row, { ...columns, id: columns.id ?? idColumn }, source, options)
    } catch (error) {
      fail(number, messageOf(error))
    }
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
