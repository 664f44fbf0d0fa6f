import * as tables from './tables.ts'

/**
 * Classes of characters as Hugging Face's tokenizers know them, ready to stand between the brackets of a regular expression with the flag
 * `u`.
 */
export const characters = Object.fromEntries(
  Object.entries(tables).map(([name, table]) => [name, classOf(table)]),
) as Readonly<Record<keyof typeof tables, string>>

/** A table's ranges as `\u{…}-\u{…}`. */
function classOf(table: string): string {
  let at = 0
  let text = ''
  const numbers = table.split(' ').map((word) => Number.parseInt(word, 36))
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const first = at + (numbers[i] ?? 0)
    at = first + (numbers[i + 1] ?? 0)
    text += first === at ? escaped(first) : `${escaped(first)}-${escaped(at)}`
  }
  return text
}

function escaped(code: number): string {
  return `\\u{${code.toString(16)}}`
}
