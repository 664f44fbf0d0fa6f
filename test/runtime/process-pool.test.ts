import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createProcessPool, type ProcessPool } from '../../src/runtime/index.ts'
import type { EchoTask } from '../support/echo-worker.ts'

type Echo = ProcessPool<EchoTask, { value: number; pid: number }, { greeting: string }>
const open: Echo[] = []

async function openPool(size: number): Promise<Echo> {
  const pool: Echo = await createProcessPool({
    entry: new URL('../support/echo-worker.ts', import.meta.url),
    size,
    setup: { broken: false },
  })
  open.push(pool)
  return pool
}

afterEach(() => Promise.all(open.splice(0).map((pool) => pool.close())))

test('every task gets its own answer, whichever process works on it', async () => {
  const pool = await openPool(2)
  expect(pool.ready).toEqual({ greeting: 'ready' })
  const answers = await Promise.all(Array.from({ length: 50 }, (_, value) => pool.run({ action: 'echo', value })))
  expect(answers.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, value) => value))
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(2)
})

test('an error in a task rejects that task only', async () => {
  const pool = await openPool(1)
  await expect(pool.run({ action: 'fail', value: 0 })).rejects.toMatchObject({ code: 'model-invalid' })
  await expect(pool.run({ action: 'echo', value: 7 })).resolves.toMatchObject({ value: 7 })
})

test('a task whose process dies is tried once more on a new process', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-'))
  const pool = await openPool(1)
  const [before] = pool.pids()
  const answer = await pool.run({ action: 'die-once', value: 3, marker: path.join(folder, 'died') })
  expect(answer.value).toBe(3)
  expect(answer.pid).not.toBe(before)
  await rm(folder, { recursive: true })
})

test('a task that kills its process twice is given up, and the pool goes on', async () => {
  const pool = await openPool(1)
  await expect(pool.run({ action: 'die', value: 0 })).rejects.toMatchObject({ code: 'worker-crashed' })
  await expect(pool.run({ action: 'echo', value: 1 })).resolves.toMatchObject({ value: 1 })
})

test('a failing setup rejects the pool with its error and leaves no process', async () => {
  const entry = new URL('../support/echo-worker.ts', import.meta.url)
  await expect(createProcessPool({ entry, size: 2, setup: { broken: true } })).rejects.toMatchObject({
    code: 'model-invalid',
    message: 'the setup was told to fail',
  })
})

test('close ends the processes and rejects what comes after', async () => {
  const pool = await openPool(2)
  const pids = pool.pids()
  await pool.close()
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow()
  await expect(pool.run({ action: 'echo', value: 1 })).rejects.toMatchObject({ code: 'closed' })
})
