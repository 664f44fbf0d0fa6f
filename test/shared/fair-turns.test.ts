import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFairTurns } from '../../src/shared/index.ts'

const settled = () => new Promise(setImmediate)

interface Asked {
  readonly owner: string
  readonly cost: number
}
const asked = fc.array(fc.record({ owner: fc.constantFrom('a', 'b', 'c'), cost: fc.integer({ min: 1, max: 9 }) }))
const most = fc.integer({ min: 1, max: 20 })

test('no more runs together than there is room for, everything comes to its turn, and each owner in order', async () => {
  await fc.assert(
    fc.asyncProperty(asked, most, fc.infiniteStream(fc.nat()), async (all, room, choices) => {
      const turns = createFairTurns(room)
      const begun: (Asked & { at: number; end: () => void })[] = []
      let done = 0
      for (const [at, one] of all.entries()) void turns.take(one).then((end) => begun.push({ ...one, at, end }))
      for (await settled(); begun.length > 0; await settled()) {
        const running = begun.reduce((sum, { cost }) => sum + cost, 0)
        expect(running <= room || begun.length === 1).toBe(true)
        const [ended] = begun.splice((choices.next().value ?? 0) % begun.length, 1)
        ended?.end()
        ended?.end() // twice is once
        done += 1
      }
      expect([done, turns.waiting]).toEqual([all.length, 0])
    }),
  )
})

test('owners who always have something waiting get the same, to within one turn of each; each in the order in which it asked', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), { minLength: 2 }),
      async (lines) => {
        const turns = createFairTurns(1)
        const order: { owner: string; cost: number; at: number; end: () => void }[] = []
        for (const [i, costs] of lines.entries())
          for (const [at, cost] of costs.entries())
            void turns.take({ owner: `${i}`, cost }).then((end) => order.push({ owner: `${i}`, cost, at, end }))
        const had = new Map(lines.map((_, i) => [`${i}`, { cost: 0, turns: 0 }]))
        const left = (owner: string) => (lines[Number(owner)]?.length ?? 0) - (had.get(owner)?.turns ?? 0)
        for (let at = 0; ; at++) {
          await settled()
          const one = order[at]
          if (!one) break
          const own = had.get(one.owner)
          if (!own) continue
          expect(one.at).toBe(own.turns)
          own.cost += one.cost
          own.turns += 1
          const busy = [...had].filter(([owner]) => left(owner) > 0).map(([, { cost }]) => cost)
          if (busy.length > 1) expect(Math.max(...busy) - Math.min(...busy)).toBeLessThanOrEqual(18)
          one.end()
        }
        expect(order).toHaveLength(lines.flat().length)
      },
    ),
  )
})

test('who comes later is not behind all that another has waiting; having waited for nothing saves nothing up', async () => {
  const turns = createFairTurns(1)
  const order: string[] = []
  const ask = (name: string, owner: string) =>
    turns.take({ owner, cost: 10 }).then(async (end) => {
      order.push(name)
      await settled()
      end()
    })
  const first = ['a1', 'a2', 'a3', 'a4'].map((name) => ask(name, 'a'))
  await first[1] // so that a3 has begun
  await Promise.all([...first, ask('b1', 'b'), ask('b2', 'b')])
  expect(order).toEqual(['a1', 'a2', 'a3', 'b1', 'a4', 'b2'])
})

test('whose signal fires leaves the line at once, and never has a turn', async () => {
  const turns = createFairTurns(1)
  const end = await turns.take({ owner: 'a' })
  const gone = new AbortController()
  const left = turns.take({ owner: 'a', signal: gone.signal })
  const behind = turns.take({ owner: 'a' })
  gone.abort()
  await expect(left).rejects.toMatchObject({ code: 'aborted' })
  expect(turns.waiting).toBe(1)
  end()
  ;(await behind)()
  await expect(turns.take({ owner: 'a', signal: gone.signal })).rejects.toMatchObject({ code: 'aborted' })
  expect(turns.waiting).toBe(0)
})
