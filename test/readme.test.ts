import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const widest = 100
const mostWords = 12

/** What people read first; pages that tell how things came about may run wider. */
const guides = readdirSync(path.join(root, 'docs'))
  .filter(
    (name) =>
      name.endsWith('.md') &&
      !['ops.md', 'cli.md', 'verification.md', 'benchmarks.md', 'architecture.md'].includes(name),
  )
  .map((name) => `docs/${name}`)

describe.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...guides])('%s', (page) => {
  const lines = readFileSync(path.join(root, page), 'utf8').split('\n')
  const fenced = lines.map(
    ((inside) => (line: string) => {
      if (line.trimStart().startsWith('```')) inside = !inside
      return inside
    })(false),
  )
  const prose = lines
    .filter((_, i) => !fenced[i])
    .map((line) => line.replace(/`[^`]+`/g, (code) => code.replaceAll(' ', '·')))

  it(`wraps its prose at ${widest} characters`, () => {
    expect(prose.filter((line) => line.length > widest && !line.startsWith('|') && / .* /.test(line))).toEqual([])
  })

  it(`has no table cell of more than ${mostWords} words`, () => {
    const cells = prose.filter((line) => line.startsWith('|')).flatMap((line) => line.split(/(?<!\\)\|/))
    expect(cells.filter((cell) => cell.trim().split(/\s+/).length > mostWords)).toEqual([])
  })
})
