import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { appendGradient } from '../../../src/finetune/autodiff/index.ts'
import type { Definition, Writing } from '../../../src/finetune/encoders/definition.ts'
import { fileForm, needsOf, trainingForm, type Values } from '../../../src/finetune/encoders/forms.ts'
import { batchNorm, convolution, globalAverage } from '../../../src/finetune/encoders/image-blocks.ts'
import { createBuilder, serializeModel, sizeOf, type ValueName } from '../../../src/graph/index.ts'
import { createRunner, type HostTensors } from '../../../src/runtime/index.ts'
import { createRandom } from '../../../src/shared/index.ts'
import { floats, numbers } from '../../support/op-cases.ts'
import { fixtures, relativeError } from '../../support/training.ts'

/** What PyTorch gives, in float64 (tools/op_fixtures.py). */
interface Golden {
  readonly losses: readonly number[]
  readonly gradients: Readonly<Record<string, { readonly dims: readonly number[]; readonly values: readonly number[] }>>
  readonly buffers: Readonly<Record<string, readonly number[]>>
  readonly classes: readonly number[]
}
const golden: Golden = JSON.parse(readFileSync(path.join(fixtures, 'training', 'resnet-8.json'), 'utf8'))

const [examples, labels] = [6, [0, 3, 6, 9, 2, 5]]
const image = floats([examples, 3, 9, 9], random(examples * 243, 77))

/** He et al. 2016, section 4.2, with n = 1 and few channels, under the names of the script. */
const resNet8: Definition = {
  inputs: new Map([['image', { dtype: 'float32', dims: ['batch', 3, 9, 9] }]]),
  output: 'classes',
  write(writing, { image: input = '' }) {
    const { g, weight } = writing
    const stem = normalized(writing, 'stem', input, { from: 3, to: 4, kernel: 3 })
    const blocks = [
      { from: 4, to: 4 },
      { from: 4, to: 8 },
      { from: 8, to: 16 },
    ]
    const last = blocks.reduce((x, sizes, i) => block(writing, `blocks.${i}`, x, sizes), g.op('Relu', [stem]))
    const begin = { begin: () => new Float32Array(), role: 'weight' } as const
    const classes = [weight('classes.weight', [10, 16], begin), weight('classes.bias', [10], begin)]
    return g.op('Gemm', [globalAverage(writing, last), ...classes], { transB: 1 })
  },
}

interface Sizes {
  readonly from: number
  readonly to: number
  readonly kernel?: number
  readonly stride?: number
}

function normalized(writing: Writing, name: string, x: ValueName, { from, to, kernel = 3, stride = 1 }: Sizes) {
  const norm = name.endsWith('.0') ? name.replace(/0$/, '1') : `${name}_norm`
  const convolved = convolution(writing, name, x, { from, to, kernel, stride })
  return batchNorm(writing, norm, convolved, { channels: to })
}

function block(writing: Writing, name: string, x: ValueName, { from, to }: Sizes): ValueName {
  const { g } = writing
  const stride = from === to ? 1 : 2
  const first = g.op('Relu', [normalized(writing, `${name}.first`, x, { from, to, stride })])
  const second = normalized(writing, `${name}.second`, first, { from: to, to })
  const same = from === to ? x : normalized(writing, `${name}.shortcut.0`, x, { from, to, kernel: 1, stride })
  return g.op('Relu', [g.op('Add', [second, same])])
}

function random(count: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = createRandom(seed)
  return Float32Array.from({ length: count }, () => (2 * next() - 1) * scale)
}

/** The numbers that the script begins with; its seeds count the parameters in PyTorch's order. */
function beginnings(): Map<ValueName, Float32Array<ArrayBuffer>> {
  return new Map(
    Object.entries(golden.gradients).map(([name, { dims }], i) => {
      const isVector = dims.length === 1
      const scale = isVector ? 0.2 : Math.sqrt(6 / sizeOf(dims.slice(1)))
      const base = isVector && name.endsWith('weight') ? 1 : 0
      return [name, random(sizeOf(dims), i + 1, scale).map((value) => base + value)]
    }),
  )
}

async function open(graph: Parameters<typeof serializeModel>[0]) {
  return createRunner(serializeModel(graph), { device: 'cpu', threads: 2 })
}

test('a residual network with batch norm has the gradients of PyTorch, trains as there, and gives the same in the end', async () => {
  const needs = needsOf(resNet8)
  const form = trainingForm(resNet8, needs, { dropout: false })
  const g = createBuilder(form.graph, form.types)
  const each = g.op('LogSoftmax', [form.output], { axis: 1 })
  const chosen = g.op('GatherElements', [each, g.input('labels', { dtype: 'int64', dims: ['batch', 1] })], { axis: 1 })
  const loss = g.op('Neg', [g.op('ReduceMean', [chosen], { keepdims: 0 })])
  const gradients = appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets: [...needs.weights.keys()] })
  for (const name of [loss, ...gradients.values(), ...form.renewed.values()]) g.output(name)
  const runner = await open({ ...form.model, graph: g.build('step') })

  const weights = beginnings()
  const buffers = new Map(
    [...needs.buffers].map(([name, { dims }]) => [
      name,
      new Float32Array(sizeOf(dims)).fill(name.endsWith('var') ? 1 : 0),
    ]),
  )
  const all = () => new Map([...weights, ...buffers])
  const dimsOf = (name: ValueName) => (needs.weights.get(name) ?? needs.buffers.get(name))?.dims ?? []
  const feeds = (): HostTensors => ({
    image,
    labels: { dtype: 'int64', dims: [examples, 1], data: BigInt64Array.from(labels, BigInt) },
    ...Object.fromEntries([...all()].map(([name, values]) => [name, floats(dimsOf(name), values)])),
  })
  for (const [step, expected] of golden.losses.entries()) {
    const results = await runner.run(feeds())
    expect(Math.abs((numbers(results[loss])[0] ?? 0) / expected - 1), `loss of step ${step}`).toBeLessThan(1e-4)
    for (const [name, gradient] of gradients) {
      const values = numbers(results[gradient])
      const { values: right = [], dims } = golden.gradients[name] ?? {}
      if (step === 0) expect([name, results[gradient]?.dims]).toEqual([name, dims])
      if (step === 0) expect(relativeError(values, right), name).toBeLessThan(1e-4)
      weights.set(
        name,
        Float32Array.from(weights.get(name) ?? [], (weight, i) => weight - 0.05 * (values[i] ?? 0)),
      )
    }
    for (const [name, next] of form.renewed) buffers.set(name, Float32Array.from(numbers(results[next])))
  }
  await runner.release()
  for (const [name, expected] of Object.entries(golden.buffers))
    expect(relativeError(buffers.get(name) ?? [], expected), name).toBeLessThan(1e-4)
  expect(await classesOf(all())).toBeLessThan(1e-4)
})

/** How far the network as a file, with its running statistics, is from PyTorch's after training. */
async function classesOf(values: Values): Promise<number> {
  const runner = await open(fileForm(resNet8, values))
  const { classes } = await runner.run({ image })
  await runner.release()
  return relativeError(numbers(classes), golden.classes)
}
