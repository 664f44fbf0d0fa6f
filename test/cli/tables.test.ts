import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname

test('tables are typed and said, what is gone is counted, and prune keeps to what was given', async () => {
  const folder = await temporaryFolder()
  const run = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [program, ...args], { cwd: folder })).stdout
  for (const name of ['docs', 'notes']) await mkdir(path.join(folder, name))
  const table = 'id;text;year;zip\n1;Asthma of old;1999;01234\n2;"Asthma; new";2005;99999\n'
  await writeFile(path.join(folder, 'docs/faq.csv'), table)
  await writeFile(path.join(folder, 'docs/gone.txt'), 'Ticks bite.')
  await writeFile(path.join(folder, 'notes/note.txt'), 'A note.')

  expect(await run('index', 'docs')).toContain('Columns of docs/faq.csv: year: number, zip: keyword')
  await run('index', 'notes', '--prune')
  expect(await run('indexes')).toContain('4 documents')
  const found = await run('search', 'asthma', '--filter', '{"year":{"gte":2000}}')
  expect(found).toContain('docs/faq.csv:3')
  expect(found).not.toContain('docs/faq.csv:2')

  await rm(path.join(folder, 'docs/gone.txt'))
  await writeFile(path.join(folder, 'docs/faq.csv'), table.split('\n').slice(0, 2).join('\n'))
  expect(await run('index', 'docs')).toContain('Gone from docs: 1 file (1 document) and 1 row.')
  expect(await run('index', 'docs', '--prune')).toContain('2 removed')
  expect(await run('indexes')).toContain('2 documents')
}, 180_000)

test('a file below a folder that was indexed is the same document, named alone, by its folder, or with a name given once', async () => {
  const folder = await temporaryFolder()
  const run = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [program, ...args], { cwd: folder })).stdout
  await mkdir(path.join(folder, 'docs/guide'), { recursive: true })
  await writeFile(path.join(folder, 'docs/guide/start.md'), '# Start\n\nBegin here.')
  await writeFile(path.join(folder, 'docs/ticks.txt'), 'Ticks bite.')

  await run('index', 'docs', '--root-name', 'manual')
  expect(await run('index', 'docs/guide/start.md')).toContain('0 added, 0 updated, 1 unchanged')
  await writeFile(path.join(folder, 'docs/guide/start.md'), '# Start\n\nBegin there.')
  expect(await run('index', 'docs/guide', '--prune')).toContain('0 added, 1 updated, 0 unchanged, 0 removed')
  expect(await run('index', 'docs')).toContain('0 added, 0 updated, 2 unchanged')
  await rm(path.join(folder, 'docs/guide/start.md'))
  await writeFile(path.join(folder, 'docs/guide/end.md'), 'The end.')
  expect(await run('index', 'docs/guide', '--prune')).toContain('1 added, 0 updated, 0 unchanged, 1 removed')
  expect(await run('get', 'manual/guide/end.md')).toContain('The end.')
  expect(await run('indexes')).toContain('2 documents')
}, 180_000)
