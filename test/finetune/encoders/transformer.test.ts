import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { appendGradient } from '../../../src/finetune/autodiff/index.ts'
import { fileForm, needsOf, trainingForm } from '../../../src/finetune/encoders/forms.ts'
import { initialize } from '../../../src/finetune/encoders/initialize.ts'
import { type TransformerShape, transformerDefinition } from '../../../src/finetune/encoders/transformer-definition.ts'
import { createBuilder, printGraph, serializeModel, verifyGraph } from '../../../src/graph/index.ts'
import { createRunner, type HostTensor, type HostTensors } from '../../../src/runtime/index.ts'
import { fixtures, relativeError } from '../../support/training.ts'

interface Golden {
  readonly shape: TransformerShape
  readonly texts: readonly (readonly number[])[]
  readonly vectors: readonly number[]
  readonly upstream: readonly number[]
  readonly weights: Readonly<Record<string, { readonly dims: readonly number[]; readonly gradient: readonly number[] }>>
}
const golden: Golden = JSON.parse(readFileSync(path.join(fixtures, 'training/transformer.json'), 'utf8'))
const definition = transformerDefinition(golden.shape)
const needs = needsOf(definition)

function weightsLikeTheirs(): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(
    Object.entries(golden.weights).map(([name, { dims }], index) => {
      const shift = name.endsWith('LayerNorm.weight') ? 1 : 0
      const size = dims.reduce((product, dim) => product * dim, 1)
      return [name, Float32Array.from({ length: size }, (_, k) => 0.3 * Math.sin(index + 0.7 * k) + shift)]
    }),
  )
}

const sequence = Math.max(...golden.texts.map((text) => text.length))
const dims = [golden.texts.length, sequence]

function tokensOf(value: (text: readonly number[], at: number) => number): HostTensor {
  const values = golden.texts.flatMap((text) => Array.from({ length: sequence }, (_, at) => value(text, at)))
  return { dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}
const texts: HostTensors = {
  input_ids: tokensOf((text, at) => text[at] ?? 0),
  attention_mask: tokensOf((text, at) => (at < text.length ? 1 : 0)),
}

/** Means of each text's tokens. */
function means(tokens: HostTensor | undefined): number[] {
  const { width } = golden.shape
  return golden.texts.flatMap(({ length }, text) =>
    Array.from({ length: width }, (_, d) => {
      const own = Array.from({ length }, (_, at) => Number(tokens?.data[(text * sequence + at) * width + d]))
      return own.reduce((sum, x) => sum + x, 0) / length
    }),
  )
}

test('the weights are those of PyTorch’s BERT without token types, in its names and shapes', () => {
  const own = [...needs.weights].map(([name, one]) => [name, one.dims])
  expect(Object.fromEntries(own)).toEqual(
    Object.fromEntries(Object.entries(golden.weights).map(([name, one]) => [name, one.dims])),
  )
})

test('with the same weights the file gives PyTorch’s vectors', async () => {
  const model = fileForm(definition, weightsLikeTheirs())
  verifyGraph(model.graph)
  const runner = await createRunner(serializeModel(model), { device: 'cpu', threads: 1 })
  const { last_hidden_state: tokens } = await runner.run(texts)
  await runner.release()
  expect(tokens?.dims).toEqual([...dims, golden.shape.width])
  expect(relativeError(means(tokens), golden.vectors)).toBeLessThan(1e-6)
})

test('and the training form gives PyTorch’s gradients of every weight', async () => {
  const form = trainingForm(definition, needs, { dropout: false })
  const g = createBuilder(form.graph, form.types)
  const upstream = g.input('upstream', { dtype: 'float32', dims: ['batch', 'sequence', golden.shape.width] })
  const found = appendGradient(g, { seeds: new Map([[form.output, upstream]]), targets: [...needs.weights.keys()] })
  for (const name of found.values()) g.output(name)
  const runner = await createRunner(serializeModel({ ...form.model, graph: g.build() }), { device: 'cpu', threads: 1 })
  const { width } = golden.shape
  const data = new Float32Array(dims[0]! * sequence * width)
  for (const [text, { length }] of golden.texts.entries())
    for (let at = 0; at < length; at++)
      for (let d = 0; d < width; d++)
        data[(text * sequence + at) * width + d] = golden.upstream[text * width + d]! / length
  const weights = [...weightsLikeTheirs()].map(([name, values]): [string, HostTensor] => [
    name,
    { dtype: 'float32', dims: golden.weights[name]?.dims ?? [], data: values },
  ])
  const given = {
    ...texts,
    ...Object.fromEntries(weights),
    upstream: { dtype: 'float32', dims: [...dims, width], data },
  } as const
  const results = await runner.run(given)
  await runner.release()
  for (const [name, { gradient }] of Object.entries(golden.weights)) {
    const own = results[found.get(name) ?? '']
    if (name.endsWith('key.bias'))
      expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-9) // zero by symmetry
    else expect(relativeError(Array.from(own?.data ?? [], Number), gradient), name).toBeLessThan(1e-5)
  }
})

test('what only training has is not in the file', () => {
  const values = new Map(
    [...needs.weights].map(([name, { dims, options }]) => [name, initialize(options.begin, { name, dims, seed: 1 })]),
  )
  const { drops, graph } = trainingForm(definition, needs, { dropout: true })
  expect(drops.length).toBe(1 + 3 * golden.shape.layers)
  expect(graph.inputs.map(({ name }) => name)).toContain('dropout_factors')
  const file = fileForm(definition, values).graph
  expect(file.inputs.map(({ name, type }) => [name, type?.dims])).toEqual([
    ['input_ids', ['batch', 'sequence']],
    ['attention_mask', ['batch', 'sequence']],
  ])
  expect(file.outputs).toEqual([
    { name: 'last_hidden_state', type: { dtype: 'float32', dims: ['batch', 'sequence', golden.shape.width] } },
  ])
  expect(printGraph(file)).not.toMatch(/dropout|mean, /)
})
