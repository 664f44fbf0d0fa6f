import path from 'node:path'
import { expect, test } from 'vitest'
import { sizing } from '../../src/finetune/data/cut.ts'
import { bytesOf } from '../../src/finetune/engine/memory.ts'
import { describeWithShared } from '../support/shared.ts'
import { fixtures, openTraining } from '../support/training.ts'

test('what a step holds grows with the texts, and faster than with their length', async () => {
  await using training = await openTraining(path.join(fixtures, 'models', 'bert-tracing'))
  const bytes = sizing(bytesOf(training.tower))
  expect(bytes(6, 20) / bytes(2, 20)).toBeCloseTo(3, 1)
  expect(bytes(2, 40) / bytes(2, 20)).toBeGreaterThan(2)
  expect(bytes(2, 40) / bytes(2, 20)).toBeLessThan(4)
})

describeWithShared('all-MiniLM-L6-v2', ['models', 'all-minilm-l6-v2'], (folder) => {
  test('is told to a fifth of what was measured', async () => {
    await using training = await openTraining(folder, { dropout: 0.1 })
    const bytes = sizing(bytesOf(training.tower))
    // texts of half to all of the length, in four groups: megabytes over those of the model (docs/decisions/training.md)
    for (const [texts, tokens, measured] of [
      [32, 128, 1050],
      [64, 128, 2021],
      [128, 128, 4453],
      [16, 256, 1433],
      [32, 256, 3363],
      [64, 256, 5530],
    ] as const) {
      const groups = [0.625, 0.75, 0.875, 1].map((share) => bytes(texts / 4, Math.round(share * tokens)))
      const told = groups.reduce((sum, group) => sum + group, 0) / 1e6
      expect(Math.abs(told / measured - 1), `${texts} × ${tokens}: ${told}`).toBeLessThan(0.2)
    }
  })
})
