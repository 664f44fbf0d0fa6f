/** Breaks a text into at most `most` lines of at most `width` characters, white space folded; an ellipsis stands for the rest. */
export function wrap(text: string, width: number, most: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.trim().split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
      if (lines.length === most) break
    }
    line = line === '' ? word.slice(0, width) : `${line} ${word}`
  }
  if (line !== '') lines.push(line)
  const shown = lines.slice(0, most)
  const whole = shown.join(' ').length >= text.trim().replace(/\s+/g, ' ').length
  const last = shown.at(-1)
  return whole || last === undefined ? shown : [...shown.slice(0, -1), `${shorten(last, width - 2)} …`]
}

/** Drops whole words until the line fits. */
function shorten(line: string, width: number): string {
  if (line.length <= width) return line
  const space = line.lastIndexOf(' ', width)
  return line.slice(0, space > 0 ? space : width)
}
