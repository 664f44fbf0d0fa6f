import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { adamW } from '../../src/finetune/optimizer/adamw.ts'
import type { Optimizer } from '../../src/finetune/optimizer/optimizer.ts'
import { applyGradients, createParameters, globalNorm } from '../../src/finetune/optimizer/parameters.ts'
import { decays, rateAt } from '../../src/finetune/optimizer/schedule.ts'
import { sgd } from '../../src/finetune/optimizer/sgd.ts'
import { createBuilder, float32Tensor, serializeModel } from '../../src/graph/index.ts'
import { createRunner, type HostTensor } from '../../src/runtime/index.ts'
import { fixtures, relativeError } from '../support/training.ts'

interface Golden {
  readonly name: 'adamw' | 'sgd'
  readonly decay: number
  readonly rate: number
  readonly steps: number
  readonly weights: readonly number[]
}
const golden: readonly Golden[] = JSON.parse(readFileSync(path.join(fixtures, 'training', 'optimizers.json'), 'utf8'))
const optimizers = { adamw: adamW(), sgd: sgd() }
const ramp = (seed: number) => Float32Array.from({ length: 24 }, (_, i) => Math.sin(seed + 0.7 * i))
const titled = golden.map((one) => [`${one.name}, decay ${one.decay}`, one] as const)

describe.each(titled)('%s, 20 steps on recorded gradients', (_, { name, decay, rate, steps, weights: expected }) => {
  const optimizer: Optimizer = optimizers[name]

  test('on the host, to PyTorch', () => {
    const weights = ramp(5)
    const slots = optimizer.slots.map(() => new Float32Array(24))
    for (let step = 1; step <= steps; step++)
      optimizer.updateHost({ weights, gradient: ramp(11 + 3 * (step - 1)), slots }, { rate, decay, step, scale: 1 })
    expect(relativeError(weights, expected)).toBeLessThan(1e-5)
  })

  test('as a graph, to the host', async () => {
    const g = createBuilder()
    const vector = (value: string) => g.input(value, { dtype: 'float32', dims: [24] })
    const scalar = (value: string) => g.input(value, { dtype: 'float32', dims: [] })
    const slotNames = optimizer.slots.map((slot) => vector(slot))
    const update = optimizer.updateGraph(g, {
      weights: vector('weights'),
      gradient: vector('gradient'),
      slots: slotNames,
      rate: scalar('rate'),
      decay: scalar('decay'),
      step: scalar('step'),
      scale: scalar('scale'),
    })
    for (const value of [update.weights, ...update.slots]) g.output(value)
    const runner = await createRunner(
      serializeModel({ graph: g.build(), irVersion: 9, opsets: new Map([['', 20]]), functions: [] }),
      { device: 'cpu', threads: 1 },
    )
    const float = (data: Float32Array, dims = [24]): HostTensor => ({ dtype: 'float32', dims, data })
    const number = (value: number) => float(Float32Array.of(value), [])

    const weights = ramp(5)
    const slots = optimizer.slots.map(() => new Float32Array(24))
    let state: Record<string, HostTensor> = Object.fromEntries([
      ['weights', float(ramp(5))],
      ...optimizer.slots.map((slot) => [slot, float(new Float32Array(24))]),
    ])
    for (let step = 1; step <= steps; step++) {
      const gradient = ramp(11 + 3 * (step - 1))
      const settings = { rate, decay, step, scale: 0.5 }
      optimizer.updateHost({ weights, gradient, slots }, settings)
      const results = await runner.run({
        ...state,
        gradient: float(gradient),
        rate: number(rate),
        decay: number(decay),
        step: number(step),
        scale: number(0.5),
      })
      state = Object.fromEntries([
        ['weights', results[update.weights]!],
        ...optimizer.slots.map((slot, i) => [slot, results[update.slots[i] ?? '']!] as const),
      ])
    }
    const own = state['weights']
    expect(own?.dtype).toBe('float32')
    expect(relativeError(own?.dtype === 'float32' ? own.data : [], weights)).toBeLessThan(1e-6)
  })
})

test('rows of a table get what the whole table would get, and rows never used only decay', () => {
  const tensor = { value: float32Tensor(ramp(5), [6, 4]), trainable: true, decays: true }
  const tables = createParameters(new Map([['table', tensor]]), adamW(), new Set(['table']))
  const dense = createParameters(new Map([['table', tensor]]), adamW(), new Set())
  for (let step = 1; step <= 10; step++) {
    const used = step % 2 === 0 ? [1, 4] : [4, 2]
    const rows = new Map(used.map((row) => [row, ramp(step + row).slice(0, 4)]))
    const values = new Float32Array(24)
    for (const [row, part] of rows) values.set(part, row * 4)
    const settings = { rate: 1e-2, decay: 0.1, step, scale: 1 }
    applyGradients(tables, new Map([['table', { kind: 'rows', rows }]]), adamW(), settings)
    applyGradients(dense, new Map([['table', { kind: 'dense', values }]]), adamW(), settings)
    expect(globalNorm(new Map([['table', { kind: 'rows', rows }]]))).toBeCloseTo(
      globalNorm(new Map([['table', { kind: 'dense', values }]])),
      6,
    )
  }
  expect(relativeError(tables.get('table')?.weights ?? [], dense.get('table')?.weights ?? [])).toBeLessThan(1e-7)
})

test('the learning rate rises from above 0, falls, and ends at 0', () => {
  const at = (step: number, decay: 'linear' | 'cosine' | 'constant') =>
    rateAt(step, { rate: 1, steps: 100, warmup: 0.1, decay })
  expect([1, 5, 10, 11].map((step) => at(step, 'linear'))).toEqual([0.1, 0.5, 1, 1])
  expect(at(56, 'linear')).toBeCloseTo(0.5, 10)
  expect(at(56, 'cosine')).toBeCloseTo(0.5, 10)
  expect(at(101, 'cosine')).toBeCloseTo(0, 10)
  expect(at(90, 'constant')).toBe(1)
})

test('no step of any run is taken at a rate of 0', () => {
  for (const decay of decays)
    for (const steps of [1, 2, 3, 10, 97])
      for (const warmup of [0, 0.1, 0.5, 1])
        for (let step = 1; step <= steps; step++)
          expect(rateAt(step, { rate: 1, steps, warmup, decay }), `${decay} ${step}/${steps}`).toBeGreaterThan(0)
})
