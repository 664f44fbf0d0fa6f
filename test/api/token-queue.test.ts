import { expect, test } from 'vitest'
import { createTokenQueue } from '../../src/api/token-queue.ts'

const enter = (queue: ReturnType<typeof createTokenQueue>, tokens: number) =>
  queue.enter(tokens, { patient: false, signal: undefined })
const overloaded = expect.objectContaining({ code: 'overloaded' })

test('alone in the queue, any number may go; beside others, what fits', async () => {
  const queue = createTokenQueue(100)
  queue.admit(1_000)
  const leave = await enter(queue, 60)
  queue.admit(40)
  expect(() => queue.admit(41)).toThrow(overloaded)
  leave()
  queue.admit(1_000)
})

test('a full queue that refused something reads nothing more until a tenth of it is free', async () => {
  const queue = createTokenQueue(100)
  const [first, second] = [await enter(queue, 88), await enter(queue, 8)]
  queue.checkOpen()
  expect(() => queue.admit(5)).toThrow(overloaded)
  expect(() => queue.checkOpen()).toThrow(overloaded)
  second()
  queue.checkOpen()
  first()
  expect(queue.tokens).toBe(0)
})

test('what is too large for the room that is left closes nothing for the others', async () => {
  const queue = createTokenQueue(100)
  await enter(queue, 50)
  expect(() => queue.admit(80)).toThrow(overloaded)
  queue.checkOpen()
  queue.admit(50)
})

test('who is patient waits for half of the queue, and lets go when nobody waits for them any more', async () => {
  const queue = createTokenQueue(100)
  const leave = await enter(queue, 45)
  const patient = queue.enter(10, { patient: true, signal: undefined })
  const abort = new AbortController()
  const given = queue.enter(10, { patient: true, signal: abort.signal })
  abort.abort()
  await expect(given).rejects.toMatchObject({ code: 'aborted' })
  expect(queue.tokens).toBe(45)
  leave()
  ;(await patient)()
  expect(queue.tokens).toBe(0)
})
