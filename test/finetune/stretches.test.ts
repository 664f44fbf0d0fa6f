import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stretches } from '../../src/finetune/engine/stretches.ts'

test('every step comes once and in order; none is left behind an end, none is too long', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean()), fc.integer({ min: 1, max: 9 }), (ending, longest) => {
      const steps = ending.map((ends, step) => ({ step, ends }))
      const cut = [...stretches(steps, { longest, ends: ({ ends }) => ends })]
      expect(cut.flat()).toEqual(steps)
      for (const [i, stretch] of cut.entries()) {
        expect(stretch.length).toBeGreaterThan(0)
        expect(stretch.length).toBeLessThanOrEqual(longest)
        expect(stretch.slice(0, -1).some(({ ends }) => ends)).toBe(false)
        const isCut = stretch.length === longest || stretch.at(-1)?.ends === true
        if (i < cut.length - 1) expect(isCut).toBe(true)
      }
    }),
  )
})
