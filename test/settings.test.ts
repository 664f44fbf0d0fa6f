import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
/** What every program finds in its environment. */
const usual = new Set(['PATH', 'CI', 'LANCEDB_LOG', 'npm_lifecycle_event'])

test('every variable that benches, tools and tests read has one name, which CONTRIBUTING.md explains', () => {
  const explained = new Set(
    [...readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(
      ([, name]) => name,
    ),
  )
  const read = new Map<string, string>()
  for (const file of globSync('{bench,tools,test}/**/*.{ts,py}', { cwd: root })) {
    const source = readFileSync(path.join(root, file), 'utf8')
    for (const [, name = ''] of source.matchAll(/(?:process\.env|os\.environ)\[['"](\w+)['"]\]/g)) read.set(name, file)
    for (const [, names = ''] of source.matchAll(/const \{([^}]*)\} = process\.env/g))
      for (const part of names.split(',')) {
        const [name = '', rename = ''] = part.split(':').map((text) => text.trim())
        if (name !== '' && !name.startsWith('...') && !rename.startsWith('_')) read.set(name, file)
      }
  }
  expect(read.size).toBeGreaterThan(5)
  const unexplained = [...read].filter(([name]) => !usual.has(name) && !explained.has(name))
  expect(unexplained).toEqual([])
})
