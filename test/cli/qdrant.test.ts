import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { freePort, qdrantProgram, startQdrant } from '../support/qdrant-server.ts'
import { temporaryFolder } from '../support/temporary.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
const server = qdrantProgram()
if (!server) console.log('skipped: the command line on a Qdrant server: no qdrant on PATH')

async function run(args: readonly string[], options: { cwd?: string; key?: string } = {}) {
  const env = { ...process.env, ...(options.key === undefined ? {} : { QDRANT_API_KEY: options.key }) }
  const { cwd = process.cwd() } = options
  const child = promisify(execFile)(process.execPath, [program, ...args], { cwd, env })
  return child.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
}

test('an address that names no store, or one where nobody answers, is told', async () => {
  const wrong = await run(['indexes', '--store', 'redis://localhost'])
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toContain('qdrant://localhost:6333')
  const both = await run(['indexes', '--store', 'qdrant://localhost', '--path', 'data'])
  expect(both.code).toBe(2)
  expect(both.stderr).toContain("cannot be used with option '--path")
  const nobody = await run(['indexes', '--store', `qdrant://127.0.0.1:${await freePort()}`])
  expect(nobody.code).toBe(1)
  expect(nobody.stderr).toMatch(/cannot be reached .*store-unavailable/s)
})

describe.skipIf(!server)('on a server with a key', () => {
  test('the whole way: index, search, list, prune', async () => {
    const key = 'secret'
    const qdrant = await startQdrant(server ?? '', { SERVICE__API_KEY: key })
    const cwd = await temporaryFolder()
    await mkdir(path.join(cwd, 'docs'))
    await writeFile(path.join(cwd, 'docs/asthma.md'), '# Asthma\n\nAsthma is treated with inhalers.\n')
    await writeFile(path.join(cwd, 'docs/ticks.txt'), 'Ticks transmit Lyme disease.')
    const store = ['--store', qdrant.url.replace('http:', 'qdrant:')]
    const ours = { cwd, key }

    const denied = await run(['index', 'docs', ...store], { cwd, key: 'wrong' })
    expect(denied.stderr).toContain('QDRANT_API_KEY')
    const first = await run(['index', 'docs', ...store, '--json'], ours)
    expect(JSON.parse(first.stdout)).toMatchObject({ added: 2, failedCount: 0 })
    const one = await run(['index', 'docs/asthma.md', ...store, '--prune', '--json'], ours)
    expect(JSON.parse(one.stdout)).toMatchObject({ unchanged: 1, pruned: 0 }) // what was not given stays
    await rm(path.join(cwd, 'docs/ticks.txt'))
    const again = await run(['index', 'docs', ...store, '--prune', '--json'], ours)
    expect(JSON.parse(again.stdout)).toMatchObject({ unchanged: 1, pruned: 1 })
    const found = await run(['search', 'inhalers', ...store, '--json'], ours)
    expect(JSON.parse(found.stdout)).toMatchObject([
      { id: expect.stringMatching(/^docs~[0-9a-f]{6}\/asthma\.md$/), title: 'Asthma' },
    ])
    const listed = await run(['indexes', ...store], ours)
    expect(listed.stdout).toMatch(/^documents {2}1 document, 1 chunk, default \(\d+ dimensions\)/)
    await qdrant.close()
  })
})
