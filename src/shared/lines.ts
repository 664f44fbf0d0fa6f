/**
 * Lines of a text that comes in pieces. Only a line feed ends a line: JSON strings may hold U+2028 and U+2029, which readline takes for
 * line ends.
 */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let line = ''
  for await (const piece of pieces) {
    const [end = '', ...lines] = piece.split('\n')
    line += end
    for (const next of lines) {
      yield line
      line = next
    }
  }
  yield line
}
