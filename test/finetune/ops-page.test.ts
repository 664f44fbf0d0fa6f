import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { columnOf, opsPage, ranOn } from '../../tools/ops-table.ts'

test('docs/ops.md says what the table of rules says, and what runs on the CPU', async () => {
  const page = await readFile(new URL('../../docs/ops.md', import.meta.url), 'utf8')
  const cpu = await ranOn('cpu')
  expect([...cpu].filter(([, mark]) => mark !== 'runs')).toEqual([])
  expect(opsPage(cpu, columnOf(page, 'WebGPU')), 'run: npm run ops').toBe(page)
})
