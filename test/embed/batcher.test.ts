import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BatchEntry, createBatcher } from '../../src/embed/graph-encoder/batcher.ts'
import { fuzz } from '../support/fuzz.ts'

const budget = 64

interface Numbered {
  readonly number: number
  readonly cost: number
}

/** Runs one batch at a time; an item's vector is its number. */
function openBatcher() {
  const batches: (readonly Numbered[])[] = []
  let idle = 1
  let listener = () => {}
  const batcher = createBatcher<Numbered>(
    {
      idle: () => idle,
      onIdle: (heard) => {
        listener = heard
      },
      async run(batch) {
        batches.push(batch)
        idle = 0
        await new Promise((resolve) => setImmediate(resolve))
        idle = 1
        listener()
        return Float32Array.from(numbersOf(batch))
      },
    },
    { budget },
  )
  return { batcher, batches }
}

const numbersOf = (batch: readonly Numbered[]) => batch.map(({ number }) => number)

const entryOf = (
  number: number,
  cost: number,
  settle: { resolve(value: number): void; reject(error: unknown): void },
) =>
  ({
    item: { number, cost },
    cost,
    wanted: () => true,
    resolve: ([value = Number.NaN]) => settle.resolve(value),
    reject: settle.reject,
  }) satisfies BatchEntry<Numbered>

test('every input gets its own vector, no batch exceeds the budget, and each brings the oldest call on', async () => {
  const calls = fc.array(fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 12 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(calls, async (lengths) => {
      const { batcher, batches } = openBatcher()
      let next = 0
      const callOf: number[] = []
      const answers = lengths.flatMap((call, i) => {
        const made = call.map((length) => {
          const number = next++
          callOf.push(i)
          let item: BatchEntry<Numbered> | undefined
          const answer = new Promise<number>((resolve, reject) => {
            item = entryOf(number, length, { resolve, reject })
          }).then((value) => expect(value).toBe(number))
          return { item, answer }
        })
        batcher.add(
          made.flatMap(({ item }) => item ?? []),
          'document',
        )
        return made.map(({ answer }) => answer)
      })
      await Promise.all(answers)
      const left = new Set(callOf.keys())
      for (const batch of batches) {
        const texts = numbersOf(batch)
        expect(texts.length === 1 || Math.max(...batch.map(({ cost }) => cost)) * texts.length <= budget).toBe(true)
        const oldest = Math.min(...[...left].map((number) => callOf[number] ?? 0))
        expect(texts.map((number) => callOf[number])).toContain(oldest)
        for (const number of texts) left.delete(number)
      }
      expect(left.size).toBe(0)
      batcher.close()
    }),
    fuzz(60),
  )
})

test('where more waits than fits, inputs of like cost go together, whatever calls they came by', async () => {
  const { batcher, batches } = openBatcher()
  const answers = Array.from(
    { length: 8 },
    (_, call) =>
      new Promise((resolve, reject) => {
        let open = 2
        const done = () => --open === 0 && resolve(undefined)
        batcher.add(
          [entryOf(2 * call, 4, { resolve: done, reject }), entryOf(2 * call + 1, 16, { resolve: done, reject })],
          'document',
        )
      }),
  )
  await Promise.all(answers)
  expect(batches.map((batch) => batch.map(({ cost }) => cost))).toEqual([
    [16, 16, 16, 16],
    new Array(8).fill(4),
    [16, 16, 16, 16],
  ])
})

test('queries overtake documents, and what nobody waits for is left out', async () => {
  const { batcher, batches } = openBatcher()
  const settled = (number: number, length: number, purpose: 'query' | 'document', wanted = true) =>
    new Promise((resolve, reject) => {
      batcher.add([{ ...entryOf(number, length, { resolve, reject }), wanted: () => wanted }], purpose)
      if (!wanted) resolve(undefined)
    })
  await Promise.all([settled(1, 60, 'document'), settled(2, 60, 'document', false), settled(3, 60, 'query')])
  expect(batches.map(numbersOf)).toEqual([[3], [1]])
  batcher.close()
})
