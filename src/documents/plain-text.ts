import { readTextFile, titleFromName } from './decode.ts'
import type { Reader } from './reader.ts'

/** A text file as it is. */
export const readPlainText: Reader = async function* ({ file, id, place }) {
  const text = await readTextFile(file)
  yield { id, title: titleFromName(file), text, payload: place, sections: [{ start: 0, line: 1 }] }
}
