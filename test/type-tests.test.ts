import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

test('what expectTypeOf says stands in files that the run compiles: *-types.test.ts', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  const elsewhere = files.filter((file) => {
    const isOwn = file.endsWith('-types.test.ts') || file === path.basename(import.meta.filename)
    return (
      file.endsWith('.test.ts') &&
      !isOwn &&
      readFileSync(path.join(import.meta.dirname, file), 'utf8').includes('expectTypeOf')
    )
  })
  expect(elsewhere).toEqual([])
})
