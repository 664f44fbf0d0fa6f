import { readTextFile, titleFromName } from './decode.ts'
import type { Reader } from './reader.ts'

/** A text file as it is. */
export const readPlainText: Reader = async function* ({ file, path }) {
  const text = await readTextFile(file)
  yield { id: path, title: titleFromName(file), text, payload: { path }, sections: [{ start: 0, line: 1 }] }
}
