import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, expectTypeOf, test } from 'vitest'
import { appendGradient } from '../../src/finetune/autodiff/index.ts'
import { infoNce } from '../../src/finetune/losses/info-nce.ts'
import { createBuilder, float32Tensor, int64Tensor, serializeModel, sizeOf } from '../../src/graph/index.ts'
import type { InfoNceOptions, Loss } from '../../src/main.ts'
import { createRunner, type HostTensor } from '../../src/runtime/index.ts'
import { fixtures, relativeError } from '../support/training.ts'

interface Golden {
  readonly options: InfoNceOptions & { readonly negatives?: number }
  readonly loss: number
  readonly gradients: Readonly<Record<'anchor' | 'positive' | 'negative', readonly number[]>>
}
const golden: readonly Golden[] = JSON.parse(readFileSync(path.join(fixtures, 'training', 'losses.json'), 'utf8'))

/** Numbers that PyTorch was given too. */
const ramp = (dims: readonly number[], seed: number): HostTensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(seed + 0.7 * i)),
})

test.each(golden.map((one) => [JSON.stringify(one.options), one] as const))(
  'InfoNCE %s has the value and the gradients of PyTorch',
  async (_, { options, loss, gradients }) => {
    const { negatives = 0, ...rest } = options
    const roles = { anchor: [4, 6], positive: [4, 6], ...(negatives > 0 ? { negative: [4 * negatives, 6] } : {}) }
    const names = Object.entries(roles)
    const g = createBuilder()
    for (const [name, dims] of names) g.input(name, { dtype: 'float32', dims })
    const embeddings = { anchor: 'anchor', positive: 'positive', ...(negatives > 0 ? { negative: 'negative' } : {}) }
    const value = infoNce(rest).build(g, { embeddings, rows: {}, columns: {}, parameters: {}, state: {} }).loss
    const found = appendGradient(g, { seeds: new Map([[value, g.scalar(1)]]), targets: names.map(([name]) => name) })
    g.output(value)
    for (const [name] of names) g.output(found.get(name) ?? '')
    const opsets = new Map([
      ['', 20],
      ['com.microsoft', 1],
    ])
    const runner = await createRunner(serializeModel({ graph: g.build(), irVersion: 9, opsets, functions: [] }), {
      device: 'cpu',
      threads: 1,
    })
    const results = await runner.run(Object.fromEntries(names.map(([name, dims], i) => [name, ramp(dims, i + 1)])))
    const floats = (name: string) => (results[name]?.dtype === 'float32' ? results[name].data : new Float32Array())
    expect(Math.abs((floats(value)[0] ?? 0) / loss - 1)).toBeLessThan(1e-5)
    for (const [role, expected] of Object.entries(gradients))
      expect(relativeError(floats(found.get(role) ?? ''), expected), role).toBeLessThan(1e-4)
  },
)

test('losses of other kinds are of the same type', () => {
  const labelled: Loss = {
    name: 'online-contrastive',
    settings: {},
    columns: ['label'],
    build(g, { embeddings: { anchor = '', positive = '' }, columns }) {
      const labels = g.op('Cast', [columns.label ?? ''], { to: 1 })
      const distance = g.op('Sub', [anchor, positive])
      return { loss: g.op('ReduceMean', [g.op('Mul', [labels, g.op('ReduceSumSquare', [distance, g.ints([1])])])]) }
    },
  }
  const queued: Loss = {
    name: 'moco',
    settings: { length: 64 },
    parameters: { temperature: { value: float32Tensor([0.07], []), role: 'logit' } },
    state: { queue: float32Tensor(new Float32Array(64 * 8), [64, 8]), position: int64Tensor([0]) },
    build(g, { embeddings: { anchor = '', positive = '' }, parameters, state }) {
      const similar = g.op('MatMul', [anchor, g.op('Transpose', [state['queue'] ?? ''])])
      const scores = g.op('Div', [similar, parameters['temperature'] ?? ''])
      const queue = g.op('Concat', [positive, state['queue'] ?? ''], { axis: 0 })
      return {
        loss: g.op('ReduceMean', [g.op('ReduceLogSumExp', [scores, g.ints([1])])]),
        state: { queue: g.op('Slice', [queue, g.ints([0]), g.ints([64]), g.ints([0])]) },
        metrics: { similarity: g.op('ReduceMean', [similar]) },
      }
    },
  }
  expectTypeOf(infoNce()).toEqualTypeOf<Loss>()
  expect([labelled.name, queued.name]).toHaveLength(2)
})

test('a temperature that is not above 0, and no direction, are refused', () => {
  expect(() => infoNce({ temperature: 0 })).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  expect(() => infoNce({ directions: [] })).toThrow(expect.objectContaining({ code: 'invalid-option' }))
})
