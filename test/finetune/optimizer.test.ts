import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adamW } from '../../src/finetune/optimizer/adamw.ts'
import { arithmetic, type Expression, value } from '../../src/finetune/optimizer/arithmetic.ts'
import { compileLoop, compileNumber } from '../../src/finetune/optimizer/host-loop.ts'
import { type Optimizer, type UpdateValues, updateNames, updateOf } from '../../src/finetune/optimizer/optimizer.ts'
import { rateAt, schedules } from '../../src/finetune/optimizer/schedule.ts'
import { sgd } from '../../src/finetune/optimizer/sgd.ts'
import { graphWriter } from '../../src/finetune/optimizer/to-graph.ts'
import { createBuilder, serializeModel } from '../../src/graph/index.ts'
import { createRunner, type HostTensor } from '../../src/runtime/index.ts'
import { fuzz } from '../support/fuzz.ts'
import { fixtures, openTraining, relativeError } from '../support/training.ts'

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

const {
  weight,
  gradient: gradientName,
  rate: rateName,
  decay: decayName,
  step: stepName,
  scale: scaleName,
} = updateNames

describe.each(titled)('%s, 20 steps on recorded gradients', (_, { name, decay, rate, steps, weights: expected }) => {
  const optimizer: Optimizer = optimizers[name]
  const update = updateOf(optimizer)
  const slotNames = optimizer.slots.map(updateNames.slot)
  const move = compileLoop(update, [weight, gradientName, ...slotNames])
  const numbersOf = (step: number, scale: number) => ({
    [rateName]: rate,
    [decayName]: decay,
    [stepName]: step,
    [scaleName]: scale,
  })
  const begin = () => ({
    [weight]: ramp(5),
    ...Object.fromEntries(slotNames.map((slot) => [slot, new Float32Array(24)])),
  })

  test('on the host, to PyTorch', () => {
    const arrays = begin()
    for (let step = 1; step <= steps; step++)
      move({ ...arrays, [gradientName]: ramp(11 + 3 * (step - 1)) }, numbersOf(step, 1))
    expect(relativeError(arrays[weight] ?? [], expected)).toBeLessThan(1e-5)
  })

  test('as a graph, to the host', async () => {
    const g = createBuilder()
    const tensors = [weight, gradientName, ...slotNames].map((one) => g.input(one, { dtype: 'float32', dims: [24] }))
    const scalars = Object.keys(numbersOf(1, 1)).map((one) => g.input(one, { dtype: 'float32', dims: [] }))
    const write = graphWriter(g, Object.fromEntries([...tensors, ...scalars].map((one) => [one, one])))
    const next = Object.entries(update).map(([one, expression]) => [one, write(expression)] as const)
    for (const [, value] of next) g.output(value)
    const runner = await createRunner(
      serializeModel({ graph: g.build(), irVersion: 9, opsets: new Map([['', 20]]), functions: [] }),
      { device: 'cpu', threads: 1 },
    )
    const float = (data: Float32Array, dims = [24]): HostTensor => ({ dtype: 'float32', dims, data })
    const toTensors = (values: Record<string, Float32Array>) =>
      Object.fromEntries(Object.entries(values).map(([one, data]) => [one, float(data)]))

    const arrays = begin()
    let state: Record<string, HostTensor> = toTensors(begin())
    for (let step = 1; step <= steps; step++) {
      const gradient = ramp(11 + 3 * (step - 1))
      const numbers = numbersOf(step, 0.5)
      move({ ...arrays, [gradientName]: gradient }, numbers)
      const scalarFeeds = Object.entries(numbers).map(([one, value]) => [one, float(Float32Array.of(value), [])])
      const feeds = { ...state, [gradientName]: float(gradient), ...Object.fromEntries(scalarFeeds) }
      const results = await runner.run(feeds)
      state = Object.fromEntries(next.map(([one, value]) => [one, results[value]!]))
    }
    const own = state[weight]
    expect(own?.dtype).toBe('float32')
    expect(relativeError(own?.dtype === 'float32' ? own.data : [], arrays[weight] ?? [])).toBeLessThan(1e-6)
  })
})

/** Chen et al. 2023, arXiv:2302.06675. */
const lion: Optimizer = {
  name: 'lion',
  settings: { beta1: 0.9, beta2: 0.99 },
  slots: ['momentum'],
  update({ weight, gradient, slots: { momentum = 0 }, rate }) {
    const { add, multiply, sign, subtract } = arithmetic
    const direction = sign(add(multiply(momentum, 0.9), multiply(gradient, 0.1)))
    const next = add(multiply(momentum, 0.99), multiply(gradient, 0.01))
    return { weight: subtract(weight, multiply(rate, direction)), slots: { momentum: next } }
  },
}

test('an optimizer of a user’s own is its arithmetic; what it keeps must have a next value', () => {
  const slot = updateNames.slot('momentum')
  const move = compileLoop(updateOf(lion), [weight, gradientName, slot])
  const arrays = { [weight]: ramp(5), [slot]: new Float32Array(24) }
  const [weights, momenta] = [ramp(5), new Float32Array(24)]
  for (let step = 1; step <= 5; step++) {
    const gradient = ramp(step)
    const numbers = { [rateName]: 1e-2, [decayName]: 0.1, [stepName]: step, [scaleName]: 0.5 }
    move({ ...arrays, [gradientName]: gradient }, numbers)
    for (const [i, g] of gradient.entries()) {
      const direction = Math.sign(0.9 * momenta[i]! + 0.1 * g * 0.5)
      weights[i] = weights[i]! * (1 - 1e-2 * 0.1) - 1e-2 * direction
      momenta[i] = 0.99 * momenta[i]! + 0.01 * g * 0.5
    }
  }
  expect(relativeError(arrays[weight] ?? [], weights)).toBeLessThan(1e-6)
  expect(() => updateOf({ ...lion, slots: ['momentum', 'second'] })).toThrow(/keeps momentum, second.*gives momentum/)
  expect(() => adamW({ epsilon: Number.NaN }).update(valuesOf(adamW()))).toThrow(/NaN/)
})

function valuesOf({ slots }: Optimizer): UpdateValues {
  const named = Object.fromEntries(slots.map((slot) => [slot, value(slot)]))
  return { weight: value('w'), gradient: value('g'), slots: named, rate: value('r'), step: value('s') }
}

const term = fc.letrec<{ term: Expression }>((tie) => ({
  term: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom('a', 'b', 'n').map(value),
    fc.double({ min: -3, max: 3, noNaN: true }).map((one): Expression => ({ kind: 'constant', value: one })),
    fc
      .tuple(fc.constantFrom('add', 'subtract', 'multiply', 'smaller', 'larger'), tie('term'), tie('term'))
      .map(([operation, a, b]) => arithmetic[operation](a, b)),
    fc.tuple(fc.constantFrom('absolute', 'sign'), tie('term')).map(([operation, a]) => arithmetic[operation](a)),
  ),
})).term

const meanings: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  smaller: Math.min,
  larger: Math.max,
  absolute: Math.abs,
  sign: Math.sign,
}

function evaluate(expression: Expression, values: Readonly<Record<string, number>>): number {
  if (expression.kind === 'constant') return expression.value
  if (expression.kind === 'value') return values[expression.name] ?? Number.NaN
  const [a = Number.NaN, b = Number.NaN] = expression.to.map((one) => evaluate(one, values))
  return meanings[expression.operation]?.(a, b) ?? Number.NaN
}

test('any arithmetic is computed as it is written, for every element and from numbers alone', () => {
  fc.assert(
    fc.property(
      term,
      term,
      fc.array(fc.float({ noNaN: true, min: -4, max: 4 }), { minLength: 2, maxLength: 6 }),
      (p, q, given) => {
        const [a, b] = [Float32Array.from(given), Float32Array.from(given, (one) => 1 - one)]
        const expected = given.map((_, i) => {
          const values = { a: a[i]!, b: b[i]!, n: 0.7 }
          return [evaluate(p, values), evaluate(q, values)].map(Math.fround)
        })
        compileLoop({ a: p, b: q }, ['a', 'b'])({ a, b }, { n: 0.7 })
        expect(given.map((_, i) => [a[i], b[i]])).toEqual(expected)
        expect(compileNumber(p)({ a: 1, b: 2, n: 0.7 })).toEqual(evaluate(p, { a: 1, b: 2, n: 0.7 }))
      },
    ),
    fuzz(200),
  )
})

test('rows of a table get what the whole table would get, and rows never used only decay', async () => {
  const model = path.join(fixtures, 'models', 'bert-tracing')
  await using tables = await openTraining(model)
  await using dense = await openTraining(model)
  const [name, { dims, weights }] = [...tables.parameters].find(([one]) => one.includes('word_embeddings'))!
  const width = dims[1] ?? 0
  const part = (step: number, row: number) => Float32Array.from({ length: width }, (_, i) => Math.sin(step + row + i))
  for (let step = 1; step <= 10; step++) {
    const used = step % 2 === 0 ? [1, 4] : [4, 2]
    const rows = new Map(used.map((row) => [row, part(step, row)]))
    const values = new Float32Array(weights.length)
    for (const [row, own] of rows) values.set(own, row * width)
    const norms = [
      tables.move(new Map([[name, { kind: 'rows', rows }]]), { rate: 1e-2, step }),
      dense.move(new Map([[name, { kind: 'dense', values }]]), { rate: 1e-2, step }),
    ]
    expect(norms[0]).toBeCloseTo(norms[1] ?? 0, 6)
  }
  expect(relativeError(weights, dense.parameters.get(name)?.weights ?? [])).toBeLessThan(1e-7)
})

test('the learning rate rises from above 0, falls, and ends at 0', () => {
  const at = (step: number, schedule: 'linear' | 'cosine' | 'constant') =>
    rateAt(step, { rate: 1, steps: 100, warmup: 0.1, schedule })
  expect([1, 5, 10, 11].map((step) => at(step, 'linear'))).toEqual([0.1, 0.5, 1, 1])
  expect(at(56, 'linear')).toBeCloseTo(0.5, 10)
  expect(at(56, 'cosine')).toBeCloseTo(0.5, 10)
  expect(at(101, 'cosine')).toBeCloseTo(0, 10)
  expect(at(90, 'constant')).toBe(1)
})

test('no step of any run is taken at a rate of 0', () => {
  for (const schedule of schedules)
    for (const steps of [1, 2, 3, 10, 97])
      for (const warmup of [0, 0.1, 0.5, 1])
        for (let step = 1; step <= steps; step++)
          expect(rateAt(step, { rate: 1, steps, warmup, schedule }), `${schedule} ${step}/${steps}`).toBeGreaterThan(0)
})
