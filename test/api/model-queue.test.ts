import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createModelQueue, type Place } from '../../src/api/model-queue.ts'
import { retryAfterOf } from '../../src/api/overloaded.ts'

const bulkOf = (limit: number, atOnce = limit) => createModelQueue({ model: 'm', limit, atOnce }).bulk
const overloaded = expect.objectContaining({ code: 'overloaded' })

test("an owner's only call may be of any size; beside others of theirs, what fits", () => {
  const queue = bulkOf(100)
  const large = queue.letIn(1_000, 'a')
  expect(queue.cost).toBe(0) // it waits outside
  expect(() => queue.letIn(1, 'a')).toThrow(overloaded)
  large.leave()
  queue.letIn(60, 'a')
  queue.letIn(40, 'a')
  expect(queue.cost).toBe(100)
  expect(() => queue.letIn(1, 'a')).toThrow(overloaded)
})

test('a queue of no tokens lets nobody in', () => {
  const queue = bulkOf(0, 1)
  expect(() => queue.letIn(1, 'a')).toThrow(overloaded)
  expect(queue.isClosedFor('a')).toBe(true)
})

test('whoever was refused is refused unread until a tenth of their share is free again, and nobody else is', () => {
  const queue = bulkOf(100)
  const [, small] = [queue.letIn(88, 'a'), queue.letIn(8, 'a')]
  expect(queue.isClosedFor('a')).toBe(false)
  expect(() => queue.letIn(5, 'a')).toThrow(overloaded)
  expect([queue.isClosedFor('a'), queue.isClosedFor('b')]).toEqual([true, false])
  small.leave()
  expect(queue.isClosedFor('a')).toBe(false)
})

test('what is too large for the room that is left closes nothing for the others', () => {
  const queue = bulkOf(100)
  queue.letIn(50, 'a')
  expect(() => queue.letIn(80, 'a')).toThrow(overloaded)
  expect(queue.isClosedFor('a')).toBe(false)
  queue.letIn(50, 'a')
})

test('another key finds its share of a full queue, and the first one is held to its own', () => {
  const queue = bulkOf(100)
  const full = queue.letIn(100, 'a')
  queue.letIn(50, 'b')
  expect(queue.cost).toBe(100)
  expect(() => queue.letIn(1, 'b')).toThrow(overloaded)
  expect(() => queue.letIn(1, 'a')).toThrow(overloaded)
  full.leave()
  queue.letIn(50, 'a')
  expect(() => queue.letIn(1, 'a')).toThrow(overloaded)
})

test('those who wait however long it takes stay outside of the queue, and have their turns beside the others', async () => {
  const queue = bulkOf(100, 10)
  queue.letIn(100, 'a')
  const put = queue.stayOutside('b')
  const turns = Array.from({ length: 50 }, () => put.turn(10, undefined))
  expect([queue.cost, queue.waiting]).toEqual([100, 49])
  for (const turn of turns) (await turn)()
  expect([queue.cost, queue.waiting]).toEqual([100, 0])
})

test('a refusal says when to try again, by what waits and how fast the model is', () => {
  const queue = bulkOf(1_000_000)
  queue.letIn(20_000, 'a')
  const refusal = (() => {
    try {
      queue.letIn(2_000_000, 'a')
    } catch (error) {
      return error
    }
  })()
  expect(retryAfterOf(refusal)).toBe(10) // 2,000 a second until it was measured
  expect(retryAfterOf(new Error('another'))).toBe(1)
})

describe('whatever comes and goes', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('let in' as const),
      owner: fc.constantFrom('a', 'b', 'c'),
      tokens: fc.integer({ min: 1, max: 150 }),
    }),
    fc.record({
      kind: fc.constant('stay outside' as const),
      owner: fc.constantFrom('a', 'b', 'c'),
      tokens: fc.constant(0),
    }),
    fc.record({ kind: fc.constant('piece' as const), owner: fc.constant(''), tokens: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant('leave' as const), owner: fc.constant(''), tokens: fc.constant(0) }),
  )

  test('the queue is never over its limit, nobody is refused who has nothing there, and in the end it is empty', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 120 }), async (steps, limit) => {
        const queue = bulkOf(limit, 50)
        const places: { place: Place; owner: string }[] = []
        const ends: Promise<() => void>[] = []
        const given = new AbortController()
        for (const { kind, owner, tokens } of steps) {
          const has = places.some((one) => one.owner === owner)
          if (kind === 'stay outside') places.push({ place: queue.stayOutside(owner), owner: '' })
          else if (kind === 'piece')
            ends.push(places.at(-1)?.place.turn(tokens, given.signal) ?? Promise.resolve(() => {}))
          else if (kind === 'leave') places.shift()?.place.leave()
          else
            try {
              places.push({ place: queue.letIn(tokens, owner), owner })
            } catch (error) {
              expect(has).toBe(true)
              expect(error).toEqual(overloaded)
            }
          expect(queue.cost).toBeLessThanOrEqual(limit)
          expect(queue.cost).toBeGreaterThanOrEqual(0)
        }
        given.abort()
        for (const end of await Promise.allSettled(ends)) if (end.status === 'fulfilled') end.value()
        for (const { place } of places) place.leave()
        expect([queue.cost, queue.waiting]).toEqual([0, 0])
        queue.letIn(limit, 'a')
        queue.letIn(Math.floor(limit / 2), 'b') // nothing is left of the shares either
      }),
    )
  })
})
