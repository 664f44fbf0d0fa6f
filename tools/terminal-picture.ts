import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Draws what the commands of the README print, as they print it now: `node tools/terminal-picture.ts`. */
const commands = [
  ['index', './docs'],
  ['search', 'go back to the old model', '--limit', '3'],
]

const root = fileURLToPath(new URL('..', import.meta.url))
const picture = path.join(root, 'docs/terminal.svg')
const fontSize = 13
const lineHeight = 19
const advance = fontSize * 0.602
const margin = 18
const widest = 101

/** What our command line uses of terminals' styles, and what it becomes. */
const styles: Readonly<Record<string, string>> = {
  '1': 'b',
  '2': 'd',
  '33': 'y',
}

const data = mkdtempSync(path.join(tmpdir(), 'qontrast-picture-'))
const lines = commands.flatMap((args, i) => {
  const shown = args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)).join(' ')
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [path.join(root, 'src/cli/main.ts'), ...args, '--path', data],
    { cwd: root, encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '1', NO_COLOR: undefined } },
  )
  if (status !== 0) throw new Error(`qontrast ${shown} ended with ${status}: ${stderr}`)
  return [
    ...(i > 0 ? [''] : []),
    `\u001b[2m$ \u001b[22m\u001b[1mnpx qontrast ${shown}\u001b[22m`,
    ...stdout.trimEnd().split('\n'),
  ]
})
rmSync(data, { recursive: true })

const width = Math.ceil(2 * margin + widest * advance)
const height = 2 * margin + lines.length * lineHeight
const rows = lines.map((line, i) => {
  const y = margin + i * lineHeight + fontSize
  return `<text x="${margin}" y="${y}" xml:space="preserve">${spans(line)}</text>`
})
writeFileSync(
  picture,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal: qontrast index and search">
<style>text{font:${fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d4d8de}.b{font-weight:700;fill:#fff}.d{fill:#8b949e}.y{font-weight:700;fill:#e3b341}</style>
<rect width="100%" height="100%" rx="8" fill="#161b22"/>
${rows.join('\n')}
</svg>
`,
)
console.log(`${path.relative(process.cwd(), picture)}: ${lines.length} lines`)

/** A line with its escape sequences as spans, cut where the picture ends; a sequence that closes any style closes all. */
function spans(line: string): string {
  const open = new Set<string>()
  let drawn = ''
  let room = widest
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
  for (const [, codes, text = ''] of `\u001b[0m${line}`.matchAll(/\u001b\[([\d;]*)m([^\u001b]*)/g)) {
    for (const code of (codes ?? '').split(';')) {
      const style = styles[code]
      if (style) open.add(style)
      else open.clear()
    }
    const classes = open.has('y') ? 'y' : [...open].join(' ')
    const shown = escapeText(text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text)
    if (text !== '' && room > 0) drawn += classes === '' ? shown : `<tspan class="${classes}">${shown}</tspan>`
    room -= text.length
  }
  return drawn
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
