import { execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test, vi } from 'vitest'
import { lancedb } from '../../src/main.ts'
import { wordDocument, writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const documents = 8_000

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeModels(folder)
  const lines = Array.from({ length: documents }, (_, i) => JSON.stringify(wordDocument(i)))
  await writeFile(path.join(folder, 'words.jsonl'), lines.join('\n'))
})

async function run(...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args, '--json'], { cwd: folder })
  return JSON.parse(stdout)
}

/** Ends a command with Ctrl-C once a generation is being built. */
async function interrupted(...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  await using store = lancedb({ path: path.join(folder, 'qontrast-data') })
  const building = async () => child.exitCode !== null || (await store.aliases()).has('docs.next')
  await vi.waitFor(async () => expect(await building()).toBe(true), { timeout: 50_000, interval: 10 })
  child.kill('SIGINT')
  return { code: await ended, stderr }
}

test('two shards at once, a re-index stopped by Ctrl-C and finished, a rollback, the old one dropped, and a copy', async () => {
  const index = ['index', 'words.jsonl', '--index', 'docs', '--model', './left']
  const shards = await Promise.all(['1/2', '2/2'].map((shard) => run(...index, '--shard', shard)))
  expect(shards).toMatchObject([{ failedCount: 0 }, { failedCount: 0 }])
  expect(await run('indexes')).toMatchObject([{ name: 'docs', collection: 'docs.1', documents }])

  const reindex = ['reindex', '--index', 'docs', '--model', './right']
  const stopped = await interrupted(...reindex)
  expect(stopped.code).toBe(130)
  expect(stopped.stderr).toContain('run the same command again')
  expect(await run('indexes')).toMatchObject([{ name: 'docs', collection: 'docs.1' }])

  expect(await run(...reindex)).toMatchObject({ index: 'docs', from: 'docs.1', documents })
  const query = wordDocument(3).text
  expect(await run('search', query, '--index', 'docs', '--limit', '1')).toMatchObject([
    { id: expect.stringMatching(/words\.jsonl#d3$/) },
  ])
  expect(await run('index', 'words.jsonl', '--index', 'docs')).toMatchObject({ unchanged: documents, chunks: 0 })

  expect(await run('reindex', '--index', 'docs', '--rollback')).toMatchObject({ to: 'docs.1', chunks: 0 })
  expect(await run(...reindex, '--drop-old')).toMatchObject({ from: 'docs.1', dropped: 'docs.1', chunks: 0 })
  expect(await run('search', query, '--index', 'docs', '--limit', '1')).toMatchObject([
    { id: expect.stringMatching(/words\.jsonl#d3$/) },
  ])

  const copied = await run('copy', '--to', './copy', '--index', 'docs', '--as', 'copy')
  expect(copied).toMatchObject({ index: 'copy', documents })
  expect(await run('search', query, '--path', './copy', '--index', 'copy', '--limit', '1')).toMatchObject([
    { id: expect.stringMatching(/words\.jsonl#d3$/) },
  ])
})
