import { execFile } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
const fixture = fileURLToPath(new URL('../fixtures/format-1/lancedb', import.meta.url))

test('indexes of 0.1.0 are named old, upgraded as far as their models are here, and their files go on under new ids', async () => {
  const folder = await temporaryFolder()
  const run = async (...args: string[]) => {
    const done = promisify(execFile)(process.execPath, [program, ...args], { cwd: folder })
    return done.catch((error: { code: number; stdout: string; stderr: string }) => error)
  }
  await cp(fixture, path.join(folder, 'qontrast-data'), { recursive: true })
  await mkdir(path.join(folder, 'docs'))
  await writeFile(path.join(folder, 'docs/guide.md'), '# Guide\n\nHow to install it.')

  expect((await run('indexes')).stdout).toContain('in an older form: qontrast upgrade --index notes')
  expect(await run('search', 'tick', '--index', 'notes')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('qontrast upgrade --index notes'),
  })
  const upgraded = await run('upgrade', '--all') // the model of the other one is named by a path that is not here
  expect(upgraded).toMatchObject({ code: 4, stderr: expect.stringContaining("'small' stays as it is") })
  expect(upgraded.stdout).toContain("'notes' is upgraded: 9 documents, 2 chunks embedded anew")

  expect((await run('index', 'docs', '--index', 'notes')).stdout).toContain('1 updated, 0 unchanged')
  const [, id = ''] =
    /(docs~\S+\/guide\.md)/.exec((await run('search', 'install', '--index', 'notes', '--json')).stdout) ?? []
  expect((await run('get', id.replaceAll('"', ''), '--index', 'notes')).stdout).toContain('How to install it.')
  expect((await run('upgrade', '--index', 'notes', '--drop-old')).stdout).toContain('notes.1 is dropped')
}, 120_000)
