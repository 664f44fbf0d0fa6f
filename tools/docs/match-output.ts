/** Whether what was printed is what a page says; `…` stands for anything within a line, and alone on a line for any lines. */
export function matchesOutput(printed: string, said: string): boolean {
  const lines = said.trimEnd().split('\n')
  const pattern = lines.map((line) => {
    if (line.trim() === '…') return '(?:[^\\n]*\\n)*?'
    return `${line.trimEnd().split('…').map(escaped).join('[^\\n]*')}[ \\t]*\\n`
  })
  return new RegExp(`^${pattern.join('')}$`).test(`${printed.trimEnd()}\n`)
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
