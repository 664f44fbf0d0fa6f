/** A JSON value of a text as it is written, and the line on which it begins, counted from 1. */
export interface JsonText {
  readonly text: string
  readonly line: number
}

const code = (character: string) => character.charCodeAt(0)
const [quote, backslash, feed, space, comma] = [code('"'), code('\\'), code('\n'), code(' '), code(',')]
const [openList, closeList, openObject, closeObject] = [code('['), code(']'), code('{'), code('}')]

/**
 * The values that a JSON text is made of: the items of a list, else the values that stand one after the other. They are told apart by
 * brackets and strings alone, so that one that is no JSON loses no other.
 */
export async function* jsonValues(pieces: AsyncIterable<string>): AsyncGenerator<JsonText, void, undefined> {
  let [line, depth, held] = [1, 0, '']
  let [inString, escaped] = [false, false]
  let began: number | undefined
  let isList: boolean | undefined
  for await (const piece of pieces) {
    let start = 0
    for (let at = 0; at < piece.length; at++) {
      const character = piece.charCodeAt(at)
      if (character === feed) line += 1
      if (inString) {
        if (escaped) escaped = false
        else if (character === backslash) escaped = true
        else if (character === quote) inString = false
        continue
      }
      if (character <= space) continue
      if (isList === undefined) {
        isList = character === openList
        if (isList) {
          start = at + 1
          depth = 1
          continue
        }
      }
      const isOpening = character === openObject || character === openList
      const isClosing = character === closeObject || character === closeList
      if (character === quote) inString = true
      else if (isOpening) depth += 1
      else if (isClosing) depth = Math.max(0, depth - 1)
      const separates = isList && ((depth === 1 && character === comma) || (depth === 0 && isClosing))
      if (!separates) began ??= line
      if (!separates && (isList || depth > 0 || !isClosing)) continue
      if (began !== undefined) yield { text: held + piece.slice(start, separates ? at : at + 1), line: began }
      began = undefined
      held = ''
      start = at + 1
    }
    held += piece.slice(start)
  }
  if (began !== undefined) yield { text: held, line: began }
  else if (depth > 0) yield { text: '', line } // a list that is cut off: what it had is not known
}
