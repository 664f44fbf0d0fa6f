import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
let folder: string

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(...args: string[]): Promise<Outcome> {
  const child = promisify(execFile)(process.execPath, [program, ...args], { cwd: folder })
  return child.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code: Number(code), stdout: String(stdout), stderr: String(stderr) }),
  )
}

const lines = [
  { id: 'asthma', text: 'Asthma narrows the airways; inhalers open them.', year: 2001 },
  { id: 'copd', text: 'COPD narrows the airways; inhalers help.', year: 2010 },
  { id: 'iron', text: 'Too much iron in the blood.', year: 2010 },
  { id: 'ticks', text: 'Ticks transmit Lyme disease.', year: 2015 },
]

beforeAll(async () => {
  folder = await temporaryFolder()
  await writeFile(path.join(folder, 'faq.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'))
  await run('index', 'faq.jsonl', '--global-ids')
})

test('like finds what documents are like, get prints them, delete and drop remove them', async () => {
  const like = await run('like', 'asthma', '--unlike', 'iron', '--limit', '1', '--json')
  expect(JSON.parse(like.stdout)).toMatchObject([{ id: 'copd' }])
  expect(await run('like', 'nope')).toMatchObject({ code: 4, stderr: expect.stringContaining('no document "nope"') })

  const got = await run('get', 'asthma', 'nope', '--json')
  expect(got.code).toBe(4)
  expect(JSON.parse(got.stdout)).toMatchObject([{ id: 'asthma', payload: { year: 2001 } }, null])
  expect((await run('get', 'ticks')).stdout).toContain('Ticks transmit Lyme disease.')

  expect(await run('delete', 'ticks', 'nope')).toMatchObject({
    code: 0,
    stdout: "1 document deleted from 'documents'.\n",
  })
  const unasked = await run('delete', '--filter', '{"year":2010}')
  expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('Delete 2 documents') })
  const deleted = await run('delete', '--filter', '{"year":2010}', '--yes', '--json')
  expect(JSON.parse(deleted.stdout)).toEqual({ index: 'documents', deleted: 2 })
  expect(await run('delete')).toMatchObject({ code: 2, stderr: expect.stringContaining('either ids, or --filter') })
  expect(await run('delete', 'asthma', '--filter', '{"year":2001}')).toMatchObject({ code: 2 })

  expect(await run('drop', '--index', 'documents')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
  expect(await run('drop', '--index', 'documents', '--yes')).toMatchObject({ code: 0 })
  expect(await run('drop', '--index', 'documents', '--yes')).toMatchObject({ code: 4 })
  expect(await run('get', 'asthma')).toMatchObject({ code: 4 })
})

test('help answers to what is no command too', async () => {
  const unknown = await run('help', 'serch')
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toContain("There is no command 'serch'. Did you mean search? There is index, search,")
  expect(await run('help', 'get')).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: qontrast get') })
  expect(await run('help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Commands:') })
})

test('pages, scores and vectors are cut as the flags say', async () => {
  await run('index', 'faq.jsonl', '--global-ids', '--index', 'short', '--dimensions', '64')
  const all = JSON.parse((await run('search', 'airways', '--index', 'short', '--mode', 'dense', '--json')).stdout)
  const flags = ['--mode', 'dense', '--offset', '1', '--limit', '1', '--min-score', String(all[1].score - 1e-6)]
  const cut = await run('search', 'airways', '--index', 'short', ...flags, '--json')
  expect(JSON.parse(cut.stdout)).toEqual([all[1]])
  const other = await run('search', 'airways', '--index', 'short', '--dimensions', '32')
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('64 dimensions there, 32 here') })
})
