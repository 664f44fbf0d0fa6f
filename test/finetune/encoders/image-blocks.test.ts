import { expect, test } from 'vitest'
import { appendGradient } from '../../../src/finetune/autodiff/index.ts'
import type { Definition, Writing } from '../../../src/finetune/encoders/definition.ts'
import { needsOf, trainingForm } from '../../../src/finetune/encoders/forms.ts'
import { batchNorm, groupNorm, silu } from '../../../src/finetune/encoders/image-blocks.ts'
import { createBuilder, exposeStatistics, type Graph, sizeOf, type ValueName } from '../../../src/graph/index.ts'
import { createRandom } from '../../../src/shared/index.ts'
import { floats, numbers, openGraph } from '../../support/op-cases.ts'
import { relativeError } from '../../support/training.ts'

const dims = [3, 4, 2, 5]
const scales = { 'n.weight': [1, 0.5, -1, 2], 'n.bias': [0.1, 0, -0.2, 1] }
const running = { 'n.running_mean': [1, 2, 3, 4], 'n.running_var': [4, 3, 2, 1] }

/** What a graph gives for images of random numbers, each its own, and for weights and buffers as above. */
async function outputsOf(graph: Graph, names: readonly ValueName[], opset?: number): Promise<Float32Array[]> {
  const runner = await openGraph({ ...graph, outputs: names.map((name) => ({ name, type: undefined })) }, 'cpu', opset)
  const feeds = graph.inputs.map(({ name }) => {
    const known = Object.entries({ ...scales, ...running }).find(([own]) => own === name)?.[1]
    const random = createRandom(name.charCodeAt(0))
    const values = known ?? Array.from({ length: sizeOf(dims) }, () => 3 * random() - 1)
    return [name, floats(known ? [known.length] : dims, values)] as const
  })
  const results = await runner.run(Object.fromEntries(feeds))
  await runner.release()
  return names.map((name) => Float32Array.from(numbers(results[name])))
}

function formOf(inputs: readonly string[], write: (writing: Writing, given: readonly ValueName[]) => ValueName) {
  const type = { dtype: 'float32', dims: ['batch', ...dims.slice(1)] } as const
  const definition: Definition = {
    inputs: new Map(inputs.map((name) => [name, type])),
    output: 'result',
    write: (writing, given) =>
      write(
        writing,
        inputs.map((name) => given[name] ?? ''),
      ),
  }
  return trainingForm(definition, needsOf(definition), { dropout: false })
}

/** The result of batch norm over some images, one after the other, and the gradient of the first. */
async function normalize(inputs: readonly string[]): Promise<Float32Array[]> {
  const form = formOf(inputs, (writing, given) =>
    given
      .map((image) => batchNorm(writing, 'n', image, { channels: 4 }))
      .reduce((sum, one) => writing.g.op('Add', [sum, one])),
  )
  const g = createBuilder(form.graph, form.types)
  const upstream = g.input('u', { dtype: 'float32', dims: ['batch', ...dims.slice(1)] })
  const gradients = appendGradient(g, { seeds: new Map([[form.output, upstream]]), targets: inputs })
  const renewed = [...form.renewed.values()]
  return outputsOf(g.build(), [gradients.get(inputs[0] ?? '') ?? '', form.output, ...renewed])
}

test('two views that share a batch norm are normalised each by its own statistics, forward and back', async () => {
  const [a, b, both] = [await normalize(['a']), await normalize(['b']), await normalize(['a', 'b'])]
  expect(relativeError(both[0] ?? [], a[0] ?? [])).toBeLessThan(1e-6)
  const sum = Array.from(a[1] ?? [], (value, i) => value + (b[1]?.[i] ?? 0))
  expect(relativeError(both[1] ?? [], sum)).toBeLessThan(1e-6)
})

test('the running statistics of a batch norm move by a tenth to the mean and the variance of a sample', async () => {
  const [, , mean = [], variance = []] = await normalize(['a'])
  const random = createRandom('a'.charCodeAt(0))
  const values = Array.from({ length: sizeOf(dims) }, () => Math.fround(3 * random() - 1))
  for (const [channel, before] of running['n.running_mean'].entries()) {
    const own = values.filter((_, i) => Math.floor(i / 10) % 4 === channel)
    const average = own.reduce((sum, value) => sum + value, 0) / own.length
    const spread = own.reduce((sum, value) => sum + (value - average) ** 2, 0) / (own.length - 1)
    expect(mean[channel]).toBeCloseTo(0.9 * before + 0.1 * average, 5)
    expect(variance[channel]).toBeCloseTo(0.9 * (running['n.running_var'][channel] ?? 0) + 0.1 * spread, 5)
  }
})

test('group norm and SiLU are the operators that newer opsets have', async () => {
  const blocks = formOf(['a'], (writing, [image = '']) =>
    silu(writing, groupNorm(writing, 'n', image, { channels: 4, groups: 2 })),
  )
  const g = createBuilder()
  const image = g.input('a', { dtype: 'float32', dims: ['batch', ...dims.slice(1)] })
  const inputs = Object.keys(scales).map((name) => g.input(name, { dtype: 'float32', dims: [4] }))
  const normalized = g.op('GroupNormalization', [image, ...inputs], { num_groups: 2 })
  const gated = g.op('Swish', [normalized])
  const expected = await outputsOf(g.build(), [gated], 24)
  const found = await outputsOf(blocks.graph, [blocks.output])
  expect(relativeError(found[0] ?? [], expected[0] ?? [])).toBeLessThan(1e-6)
})

test('a MaxPool is made to give its places, and its gradient does not compute it again', () => {
  const g = createBuilder()
  const image = g.input('a', { dtype: 'float32', dims })
  const pooled = g.op('MaxPool', [image], { kernel_shape: [2, 2] })
  const builder = createBuilder(exposeStatistics(g.build()), g.types())
  appendGradient(builder, { seeds: new Map([[pooled, pooled]]), targets: [image] })
  expect(builder.nodes().filter(({ op }) => op === 'MaxPool')).toHaveLength(1)
})
