import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { type ChildLoss, createProcessPool, type ProcessPool } from '../../src/runtime/index.ts'
import type { EchoTask } from '../support/echo-worker.ts'

type Echo = ProcessPool<EchoTask, { value: number; pid: number }, { greeting: string }>
const echoWorker = new URL('../support/echo-worker.ts', import.meta.url)
const open: Echo[] = []

async function openPool(size: number, patienceSeconds?: number): Promise<Echo> {
  const pool: Echo = await createProcessPool({
    entry: echoWorker,
    size,
    setup: { broken: false },
    ...(patienceSeconds === undefined ? {} : { patienceSeconds }),
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

test('a process that shows no sign of life is replaced, idle or in the middle of a task, which is tried again', async () => {
  const pool = await openPool(2, 2)
  const losses: ChildLoss[] = []
  pool.onLoss((loss) => losses.push(loss))
  const [first = 0, second = 0] = pool.pids()
  for (const pid of [first, second]) process.kill(pid, 'SIGSTOP')
  const answer = await pool.run({ action: 'echo', value: 5 })
  expect(answer.value).toBe(5)
  await vi.waitFor(() => expect(losses.map(({ pid }) => pid).sort()).toEqual([first, second].sort()), 30_000)
  expect(losses.map(({ reason }) => reason)).toEqual(['no sign of life', 'no sign of life'])
  for (const pid of [first, second]) expect(() => process.kill(pid, 0)).toThrow()
}, 60_000)

test('a process that dies while it is idle is missed, and replaced when there is work', async () => {
  const pool = await openPool(1)
  const lost = new Promise<ChildLoss>((resolve) => pool.onLoss(resolve))
  const [pid = 0] = pool.pids()
  process.kill(pid, 'SIGKILL')
  expect(await lost).toEqual({ pid, reason: 'SIGKILL' })
  expect(await pool.run({ action: 'echo', value: 1 })).toMatchObject({ value: 1 })
})

test('close waits for processes that are slow to leave, and keeps this one alive meanwhile', async () => {
  const program = `
    import { createProcessPool } from ${JSON.stringify(new URL('../../src/runtime/index.ts', import.meta.url).href)}
    const pool = await createProcessPool({ entry: new URL(${JSON.stringify(echoWorker.href)}), size: 1, setup: { broken: false } })
    process.kill(pool.pids()[0], 'SIGSTOP')
    await pool.close()
    console.log('closed')`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  expect(stdout).toBe('closed\n')
})

test('a failing setup rejects the pool with its error and leaves no process', async () => {
  await expect(createProcessPool({ entry: echoWorker, size: 2, setup: { broken: true } })).rejects.toMatchObject({
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
