import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { cliPage } from '../../tools/cli-page.ts'

test('docs/cli.md is the help of every command, with an example of each', async () => {
  const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  expect(cliPage(), 'run: npm run cli:page').toBe(page)
  for (const section of page.split(/^## /m).slice(1)) expect(section).toMatch(/^Examples?:$/m)
})
