import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startThread } from '../../src/runtime/index.ts'
import type { EchoTask } from '../support/echo-thread.ts'

const entry = new URL('../support/echo-thread.ts', import.meta.url)
const open = ({ broken = false } = {}) =>
  startThread<{ broken: boolean }, EchoTask, { value: number }>({
    entry,
    setup: { broken },
    answer: async ({ value }) => ({ answer: value * 2 }),
  })

test('every task gets its own answer, in the order of the tasks', async () => {
  const thread = open()
  const order: number[] = []
  const values = [1, 2, 3, 4, 5]
  const answers = values.map(async (value) => {
    const answer = await thread.run<Float32Array>({ action: 'echo', value })
    order.push(value)
    return answer[0]
  })
  expect(await Promise.all(answers)).toEqual(values)
  expect(order).toEqual(values)
  await thread.end()
})

test('it may ask the thread that started it while it works', async () => {
  const thread = open()
  expect(await thread.run<number>({ action: 'ask', value: 21 })).toBe(42)
  await thread.end()
})

test('an error keeps its code and rejects its task alone; that of the setup rejects every task', async () => {
  const thread = open()
  await expect(thread.run({ action: 'fail', value: 0 })).rejects.toMatchObject({ code: 'training-diverged' })
  expect(await thread.run<Float32Array>({ action: 'echo', value: 7 })).toEqual(Float32Array.of(7))
  await thread.end()
  const broken = open({ broken: true })
  for (const value of [1, 2])
    await expect(broken.run({ action: 'echo', value })).rejects.toMatchObject({ code: 'model-invalid' })
  await broken.end()
})

test('it ends after the tasks that it has', async () => {
  const thread = open()
  const last = thread.run<Float32Array>({ action: 'echo', value: 3 })
  const ended = thread.end()
  await expect(thread.run({ action: 'echo', value: 4 })).rejects.toMatchObject({ code: 'closed' })
  expect(await last).toEqual(Float32Array.of(3))
  await ended
})

test('a thread that breaks rejects what waits for it, and what comes', async () => {
  const thread = open()
  const broken = thread.run({ action: 'break', value: 0 })
  const next = thread.run({ action: 'echo', value: 1 })
  await expect(broken).rejects.toMatchObject({ code: 'worker-crashed', message: /nobody catches this/ })
  await expect(next).rejects.toMatchObject({ code: 'worker-crashed' })
  await expect(thread.run({ action: 'echo', value: 2 })).rejects.toMatchObject({ code: 'worker-crashed' })
  await thread.end()
})

const program = fileURLToPath(new URL('../support/leave-while-computing.ts', import.meta.url))
test.each([
  ['leaves', 7],
  ['throws', 1],
  ['ends', 0],
  ['forgets', 0],
])('a program that %s beside a thread that computes has its own exit code', async (how, code) => {
  const run = promisify(execFile)(process.execPath, [program, how])
  if (code === 0) await run
  else await expect(run).rejects.toMatchObject({ code })
})
