import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  constant,
  gainOf,
  type Initializer,
  initialize,
  kaimingNormal,
  kaimingUniform,
  normal,
  ones,
  orthogonal,
  truncatedNormal,
  uniform,
  xavierNormal,
  xavierUniform,
  zeros,
} from '../../../src/finetune/encoders/initialize.ts'

const linear = [300, 500] // 500 in, 300 out
const convolution = [64, 32, 5, 5] // 800 in, 1,600 out

function drawn(initializer: Initializer, dims: readonly number[] = linear, seed = 7) {
  const values = initialize(initializer, { name: 'weight', dims, seed })
  const n = values.length
  const moment = (power: number, around = 0) => values.reduce((sum, x) => sum + (x - around) ** power, 0) / n
  const mean = moment(1)
  const std = Math.sqrt(moment(2, mean))
  return {
    values,
    mean,
    std,
    skew: moment(3, mean) / std ** 3,
    kurtosis: moment(4, mean) / std ** 4,
    largest: values.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
  }
}

const normalKurtosis = 3
const uniformKurtosis = 1.8
/** Of the standard normal distribution cut at 2. */
const cut = { std: 0.8796257, kurtosis: 2.365 }

describe('distributions', () => {
  test.each<[string, Initializer, readonly number[], { std: number; kurtosis: number; mean?: number }]>([
    ['normal', normal({ mean: 3, std: 0.02 }), linear, { mean: 3, std: 0.02, kurtosis: normalKurtosis }],
    ['truncatedNormal', truncatedNormal({ std: 0.02 }), linear, { std: 0.02 * cut.std, kurtosis: cut.kurtosis }],
    [
      'truncatedNormal, mean',
      truncatedNormal({ mean: -1 }),
      linear,
      { mean: -1, std: cut.std, kurtosis: cut.kurtosis },
    ],
    ['truncatedNormal, far', truncatedNormal({ bound: 7 }), linear, { std: 1, kurtosis: normalKurtosis }],
    [
      'truncatedNormal, near',
      truncatedNormal({ bound: 0.01 }),
      linear,
      { std: 0.01 / 3 ** 0.5, kurtosis: uniformKurtosis },
    ],
    ['uniform', uniform({ low: -2, high: 4 }), linear, { mean: 1, std: 3 ** 0.5, kurtosis: uniformKurtosis }],
    ['xavierNormal', xavierNormal(), linear, { std: (2 / 800) ** 0.5, kurtosis: normalKurtosis }],
    [
      'xavierUniform',
      xavierUniform({ gain: 5 / 3 }),
      linear,
      { std: (5 / 3) * (2 / 800) ** 0.5, kurtosis: uniformKurtosis },
    ],
    [
      'xavierNormal of a convolution',
      xavierNormal(),
      convolution,
      { std: (2 / 2400) ** 0.5, kurtosis: normalKurtosis },
    ],
    [
      'kaimingNormal',
      kaimingNormal({ nonlinearity: 'relu' }),
      linear,
      { std: (2 / 500) ** 0.5, kurtosis: normalKurtosis },
    ],
    [
      'kaimingNormal, fanOut',
      kaimingNormal({ mode: 'fanOut' }),
      convolution,
      { std: (2 / 1600) ** 0.5, kurtosis: normalKurtosis },
    ],
    [
      'kaimingUniform',
      kaimingUniform({ slope: 5 ** 0.5 }),
      linear,
      { std: (1 / 1500) ** 0.5, kurtosis: uniformKurtosis },
    ],
    [
      'kaimingUniform of a convolution',
      kaimingUniform(),
      convolution,
      { std: (2 / 800) ** 0.5, kurtosis: uniformKurtosis },
    ],
  ])('%s has its moments', (_, initializer, dims, { mean = 0, std, kurtosis }) => {
    const found = drawn(initializer, dims)
    const n = found.values.length
    const most = 5 // standard errors
    expect(Math.abs(found.mean - mean)).toBeLessThan((most * std) / n ** 0.5)
    expect(Math.abs(found.std / std - 1)).toBeLessThan((most * ((kurtosis - 1) / 4) ** 0.5) / n ** 0.5)
    expect(Math.abs(found.skew)).toBeLessThan(most * (15 / n) ** 0.5)
    expect(Math.abs(found.kurtosis - kurtosis)).toBeLessThan(most * (96 / n) ** 0.5)
  })

  test('what is bounded stays within its bounds, and comes near to them', () => {
    for (const [initializer, bound] of [
      [truncatedNormal({ std: 0.02 }), 0.04],
      [truncatedNormal({ std: 0.5, bound: 1 }), 0.5],
      [xavierUniform(), (6 / 800) ** 0.5],
      [kaimingUniform({ slope: 5 ** 0.5 }), (1 / 500) ** 0.5], // PyTorch's linear layer
    ] as const) {
      const { largest } = drawn(initializer)
      expect(largest).toBeLessThanOrEqual(Math.fround(bound))
      expect(largest).toBeGreaterThan(0.999 * bound)
    }
  })

  test('a normal distribution has the share of large numbers that it should have', () => {
    const { values } = drawn(normal(), [1000, 1000])
    for (const [bound, share] of [
      [1, 0.3173105],
      [2, 0.0455003],
      [3, 0.0026998],
    ] as const) {
      const found = values.filter((x) => Math.abs(x) > bound).length / values.length
      expect(Math.abs(found - share)).toBeLessThan(5 * (share / values.length) ** 0.5)
    }
  })

  test('constants are what they say', () => {
    expect([...initialize(zeros, { name: 'b', dims: [3], seed: 1 })]).toEqual([0, 0, 0])
    expect([...initialize(ones, { name: 'b', dims: [2, 1], seed: 1 })]).toEqual([1, 1])
    expect([...initialize(constant(0.25), { name: 'b', dims: [], seed: 1 })]).toEqual([0.25])
    expect(drawn(normal({ std: 0, mean: 2 })).values.every((x) => x === 2)).toBe(true)
  })

  test.each([[[7, 20]], [[20, 7]], [[6, 2, 3, 1]], [[1, 4]]])(
    'orthogonal rows or columns are so, and as long as the gain (%j)',
    (dims) => {
      const [rows = 0] = dims
      const { values } = drawn(orthogonal({ gain: 2 }), dims)
      const columns = values.length / rows
      const at = (i: number, j: number) => (rows <= columns ? values[i * columns + j] : values[j * columns + i]) ?? 9
      const [count, length] = rows <= columns ? [rows, columns] : [columns, rows]
      for (let i = 0; i < count; i++)
        for (let j = 0; j < count; j++) {
          const product = Array.from({ length }, (_, k) => at(i, k) * at(j, k)).reduce((sum, x) => sum + x)
          expect(Math.abs(product - (i === j ? 4 : 0))).toBeLessThan(1e-6)
        }
    },
  )

  test('gains are those of PyTorch', () => {
    expect([gainOf('linear'), gainOf('sigmoid'), gainOf('selu')]).toEqual([1, 1, 0.75])
    expect(gainOf('tanh')).toBeCloseTo(1.6666666, 6)
    expect(gainOf('relu')).toBeCloseTo(Math.SQRT2, 8)
    expect(gainOf('leakyRelu')).toBeCloseTo(1.414142857, 8)
    expect(gainOf('leakyRelu', 5 ** 0.5)).toBeCloseTo(0.57735027, 8)
  })
})

describe('seeds', () => {
  test('the same seed gives the same numbers on every machine', () => {
    const sum = (initializer: Initializer) =>
      createHash('sha256')
        .update(drawn(initializer, [31, 17], 42).values)
        .digest('hex')
        .slice(0, 16)
    expect([normal(), truncatedNormal({ std: 0.02 }), uniform(), orthogonal()].map(sum)).toMatchInlineSnapshot(`
      [
        "651b65fc60e59ae1",
        "844ce23690aab704",
        "106633f55af0c485",
        "f79670f665c63fe7",
      ]
    `)
    expect([...initialize(normal(), { name: 'weight', dims: [4], seed: 42 })]).toMatchInlineSnapshot(`
      [
        -0.6721755862236023,
        -1.4218029975891113,
        2.22245454788208,
        -0.10837701708078384,
      ]
    `)
  })

  test('another seed or another name gives numbers of their own', () => {
    const of = (name: string, seed: number) => initialize(normal(), { name, dims: [5000], seed })
    const all = [of('a', 1), of('b', 1), of('a', 2), of('a', 2 ** 32 + 1)]
    for (const [i, one] of all.entries())
      for (const other of all.slice(0, i)) {
        const product = one.reduce((sum, x, at) => sum + x * (other[at] ?? 0), 0) / one.length
        expect(Math.abs(product)).toBeLessThan(5 / one.length ** 0.5)
      }
  })
})

test.each<[string, () => unknown, string]>([
  ['a negative std', () => normal({ std: -1 }), 'std must be a number from 0; got -1.'],
  ['no std', () => truncatedNormal({ std: Number.NaN }), 'std must be a number from 0; got NaN.'],
  ['a bound of 0', () => truncatedNormal({ bound: 0 }), 'bound must be a number above 0; got 0.'],
  ['bounds the wrong way round', () => uniform({ low: 1, high: 0 }), 'uniform wants low ≤ high; got 1 and 0.'],
  ['fans of a vector', () => drawn(kaimingNormal(), [5]), 'fans are those of weights with at least two dims; got [5].'],
  // @ts-expect-error: a caller without types
  ['an unknown nonlinearity', () => kaimingNormal({ nonlinearity: 'toString' }), 'nonlinearity must be one of linear'],
  // @ts-expect-error: a caller without types
  ['an unknown fan', () => kaimingNormal({ mode: 'fan_in' }), "mode must be fanIn or fanOut; got 'fan_in'."],
])('%s is refused', (_, call, message) => {
  expect(call).toThrow(message)
})
