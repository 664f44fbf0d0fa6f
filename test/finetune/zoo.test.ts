import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createInference } from '../../src/embed/graph-encoder/inference.ts'
import { loadEncoder, locateModel, readTransformer, textProcessorOf } from '../../src/embed/index.ts'
import { roles } from '../../src/finetune/optimizer/parameter.ts'
import { type Graph, type Model, parseModel, renameReads, serializeModel } from '../../src/graph/index.ts'
import { finetune } from '../../src/main.ts'
import { openSession } from '../../src/runtime/index.ts'
import { createRandom, normalizeInPlace } from '../../src/shared/index.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { inner, norm, openTraining, pairsOf, whole } from '../support/training.ts'
import { type Golden, goldenOf, readWeights, specimens, zooFolder } from '../support/zoo.ts'

const trained = specimens.filter(([family]) => family !== 'bert-untrained')

describe.each(trained)('%s from the %s exporter', (family, exporter) => {
  const golden = goldenOf(family)
  const names = golden.initializers[exporter] ?? {}

  test('gives the vectors of PyTorch, padded or not', async () => {
    const files = await readTransformer(await locateModel(await zooFolder(family, exporter)), { dtype: 'fp32' })
    const { plan, layers } = files
    const processor = textProcessorOf(files)
    const items = await Promise.all(golden.texts.map((text) => processor.prepare(text, 'document')))
    const opened = await openSession(files.model.path, { device: 'cpu', threads: 1 })
    const head = { pooling: plan.pooling, layers }
    const infer = await createInference(opened, { output: plan.output.name, head }, processor.collate(items))
    const vectorsOf = async (some: typeof items) => {
      const vectors = await infer(processor.collate(some))
      const size = vectors.length / some.length
      return some.flatMap((_, i) => [...normalizeInPlace(vectors.slice(i * size, (i + 1) * size))])
    }
    const together = await vectorsOf(items)
    for (const [i, item] of items.entries()) {
      const expected = golden.vectors[i] ?? []
      const alone = await vectorsOf([item])
      for (const [d, value] of expected.entries()) {
        expect(Math.abs((alone[d] ?? 9) - value)).toBeLessThanOrEqual(1e-5)
        expect(Math.abs((together[i * expected.length + d] ?? 9) - value)).toBeLessThanOrEqual(1e-5)
      }
    }
    await opened.session.release()
  })

  test('trains what PyTorch calls its parameters, by the gradients of PyTorch in float64', async () => {
    await using training = await openTraining(await zooFolder(family, exporter))
    const { parameters, copies } = training.tower
    const used = Object.values(names).filter((name) => golden.gradients[name.replace('T ', '')]?.used)
    expect(new Set([...parameters.keys(), ...copies.keys()])).toEqual(
      new Set(Object.keys(names).filter((name) => used.includes(names[name] ?? ''))),
    )
    expect(parameters.size).toBe(new Set(used.map((name) => name.replace('T ', ''))).size)
    const kept = /bias|norm|_ln\.|position|relative|rel_embeddings/i // by their names in PyTorch: neither decayed nor told so anywhere else
    const told = [...parameters].map(([name, { role }]) => [names[name], role, roles[role].decays])
    expect(told).toEqual(told.map(([name, role]) => [name, role, !kept.test(String(name))]))
    const { loss, gradients } = await training.oneShot(pairsOf(golden.pairs))
    expect(Math.abs(loss / golden.loss - 1)).toBeLessThanOrEqual(1e-5)
    const global = norm(Object.values(golden.gradients).map((one) => one.norm))
    for (const [name, { dims, weights }] of training.parameters)
      expectGradient(name, { golden, names, dims, own: whole(gradients.get(name), weights.length), global })
  })
})

interface Compared {
  readonly golden: Golden
  readonly names: Readonly<Record<string, string>>
  readonly dims: readonly number[]
  readonly own: Float32Array
  /** Length of all gradients together: below a millionth of it there is only rounding. */
  readonly global: number
}

/** Norm, and products with vectors of random signs, which differ by about ‖error‖ each. */
function expectGradient(name: string, { golden, names, dims, own, global }: Compared): void {
  const parameter = names[name] ?? ''
  const expected = golden.gradients[parameter.replace('T ', '')]
  expect(expected, name).toBeDefined()
  if (!expected) return
  const [rows = 0, columns = 0] = dims
  const values = parameter.startsWith('T ')
    ? own.map((_, i) => own[(i % rows) * columns + Math.floor(i / rows)] ?? 0)
    : own
  const scale = Math.max(expected.norm, 1e-3 * global)
  const errors = expected.products.map((product, seed) => inner(values, signs(values.length, seed)) - product)
  expect(norm(errors) / Math.sqrt(errors.length) / scale, `gradient of ${parameter}`).toBeLessThanOrEqual(1e-4)
  expect(Math.abs(norm(values) - expected.norm) / scale, `norm of ${parameter}`).toBeLessThanOrEqual(1e-4)
}

function signs(count: number, seed: number): Float64Array {
  const random = createRandom(seed)
  return Float64Array.from({ length: count }, () => (random() < 0.5 ? 1 : -1))
}

async function tuned(model: string, warnings: string[] = []): Promise<string> {
  const out = path.join(await temporaryFolder(), 'tuned')
  const pairs = pairsOf(goldenOf('bert').pairs)
  const onWarning = (message: string) => warnings.push(message)
  for await (const _ of finetune({ model, pairs, out, batchSize: 3, epochs: 3, learningRate: 1e-2, onWarning }));
  return out
}

const bytesOf = async (folder: string) => readWeights(await readFile(path.join(folder, 'onnx', 'model.onnx')))

test('layers that share their weights still do after training, from either exporter, and it is said', async () => {
  const loaded: Float32Array[] = []
  for (const exporter of ['tracing', 'dynamo'] as const) {
    const folder = await zooFolder('albert', exporter)
    const warnings: string[] = []
    const out = await tuned(folder, warnings)
    expect(warnings.join('\n')).toMatch(/[46] weights of the model are copies of others/)
    const [before, after] = [await bytesOf(folder), await bytesOf(out)]
    const names = goldenOf('albert').initializers[exporter] ?? {}
    for (const same of Object.values(Object.groupBy(Object.keys(names), (name) => names[name] ?? ''))) {
      const [first = ''] = same ?? []
      expect(after.get(first)?.equals(before.get(first) ?? Buffer.of()), first).toBe(false)
      for (const copy of same ?? []) expect(after.get(copy)?.equals(after.get(first) ?? Buffer.of()), copy).toBe(true)
    }
    await using encoder = await loadEncoder(out, { device: 'cpu' })
    loaded.push((await encoder.encode(['hello world'])).data)
  }
  const [tracing, dynamo] = loaded
  expect(Math.max(...(tracing ?? []).map((value, i) => Math.abs(value - (dynamo?.[i] ?? 9))))).toBeLessThan(1e-4)
})

test('frequencies of rotary positions stay as they are', async () => {
  const folder = await zooFolder('modernbert', 'dynamo')
  const [before, after] = [await bytesOf(folder), await bytesOf(await tuned(folder))]
  const frequencies = [...before.keys()].filter((name) => name.includes('inv_freq'))
  expect(frequencies).toHaveLength(2)
  for (const name of frequencies) expect(after.get(name)?.equals(before.get(name) ?? Buffer.of())).toBe(true)
})

describe('equal weights that an exporter merged', () => {
  const golden = goldenOf('bert-untrained')

  test('are weights of their own where the file still names them', async () => {
    const folder = await zooFolder('bert-untrained', 'tracing')
    const names = golden.initializers['tracing'] ?? {}
    await using training = await openTraining(folder)
    expect(training.tower.notices).toEqual([])
    expect([...training.parameters.keys()].sort()).toEqual(Object.keys(names).sort())
    const { gradients } = await training.oneShot(pairsOf(golden.pairs))
    const global = norm(Object.values(golden.gradients).map((one) => one.norm))
    for (const [name, { dims, weights }] of training.parameters)
      expectGradient(name, { golden, names, dims, own: whole(gradients.get(name), weights.length), global })
    const out = await tuned(folder)
    const after = await bytesOf(out)
    const biases = [...after.keys()].filter((name) => name.endsWith('.bias'))
    expect(new Set(biases.map((name) => after.get(name)?.toString('hex'))).size).toBe(biases.length)
    await using again = await openTraining(out)
    expect([...again.parameters.keys()].sort()).toEqual(Object.keys(names).sort())
  })

  test('are said where it does not', async () => {
    const warnings: string[] = []
    await tuned(await zooFolder('bert-untrained', 'dynamo'), warnings)
    expect(warnings.join('\n')).toMatch(/3 weights hold one number throughout .*LayerNorm\.weight.*dynamo=False/)
  })
})

describe('what cannot be trained says the family, the operator and what to do', () => {
  const changed = async (change: (model: Model) => Model) => {
    const folder = await zooFolder('bert', 'tracing')
    const file = path.join(folder, 'onnx', 'model.onnx')
    await writeFile(file, serializeModel(change(parseModel(new Uint8Array(await readFile(file))))))
    return tuned(folder)
  }
  const withGraph = (change: (graph: Graph) => Partial<Graph>) =>
    changed((model) => ({ ...model, graph: { ...model.graph, ...change(model.graph) } }))

  test('an operator without a gradient', async () => {
    const training = withGraph(({ nodes }) => ({
      nodes: nodes.map((node) => (node.op === 'Erf' ? { ...node, op: 'Selu' } : node)),
    }))
    await expect(training).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/^This model \(bert\) cannot be trained: .*Selu.*docs\/ops\.md/),
    })
  })

  test('inputs of a fixed shape', async () => {
    const training = withGraph(({ inputs }) => ({
      inputs: inputs.map(({ name, type }) => ({ name, type: type && { ...type, dims: [1, 128] } })),
    }))
    await expect(training).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/'input_ids' has the fixed shape \[1, 128\]\. Export it with a dynamic batch/),
    })
  })
})

test('a graph within the graph reads the values of its own group of texts', async () => {
  const folder = await zooFolder('bert', 'tracing')
  const file = path.join(folder, 'onnx', 'model.onnx')
  const model = parseModel(new Uint8Array(await readFile(file)))
  await writeFile(file, serializeModel({ ...model, graph: withChoice(model.graph) }))
  const golden = goldenOf('bert')
  await using training = await openTraining(folder)
  expect((await training.oneShot(pairsOf(golden.pairs))).loss).toBeCloseTo(golden.loss, 5)
})

/** The mask goes through an If, whose branches read it from outside. */
function withChoice(graph: Graph): Graph {
  const branch = (name: string): Graph => ({
    name,
    inputs: [],
    outputs: [{ name: `${name}_mask`, type: undefined }],
    initializers: new Map(),
    nodes: [{ name, op: 'Identity', inputs: ['attention_mask'], outputs: [`${name}_mask`], attributes: {} }],
    values: [],
  })
  const bytes = new Uint8Array([1])
  return {
    ...graph,
    initializers: new Map([...graph.initializers, ['always', { dtype: 'bool', dims: [], bytes }]]),
    nodes: [
      {
        name: 'choice',
        op: 'If',
        inputs: ['always'],
        outputs: ['chosen_mask'],
        attributes: {
          then_branch: { kind: 'graph', value: branch('yes') },
          else_branch: { kind: 'graph', value: branch('no') },
        },
      },
      ...graph.nodes.map((node) => renameReads(node, (name) => (name === 'attention_mask' ? 'chosen_mask' : name))),
    ],
  }
}
