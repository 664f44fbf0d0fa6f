import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseModel, printGraph, serializeModel, verifyGraph } from '../../src/graph/index.ts'
import { createRunner, type HostTensor, type Runner } from '../../src/runtime/index.ts'
import { createRandom, isQontrastError } from '../../src/shared/index.ts'
import { describeWithShared } from '../support/shared.ts'
import { fixtures } from '../support/training.ts'

const read = (file: string) => {
  const bytes = readFileSync(file)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const parse = (file: string) =>
  parseModel(read(file), (location, { offset, length }) => {
    const bytes = read(path.join(path.dirname(file), location))
    return bytes.subarray(offset, length === undefined ? undefined : offset + length)
  })

/** Inputs for a model of any kind: small sizes for symbols, small whole numbers for integers. */
function feedsFor(model: ReturnType<typeof parseModel>): Record<string, HostTensor> {
  const random = createRandom(3)
  const sizes = new Map<string, number>()
  return Object.fromEntries(
    model.graph.inputs.flatMap(({ name, type }): [string, HostTensor][] => {
      if (model.graph.initializers.has(name) || !type?.dims) return []
      const dims = type.dims.map((dim) => {
        if (typeof dim === 'number') return Math.max(1, dim)
        if (!sizes.has(dim)) sizes.set(dim, dim.startsWith('batch') ? 2 : 6)
        return sizes.get(dim) ?? 1
      })
      const length = dims.reduce((product, dim) => product * dim, 1)
      const numbers = Array.from({ length }, () => random())
      if (type.dtype === 'float32') return [[name, { dtype: 'float32', dims, data: Float32Array.from(numbers) }]]
      const data = BigInt64Array.from(numbers, (number) => BigInt(name.includes('mask') ? 1 : Math.floor(number * 2)))
      return [[name, { dtype: 'int64', dims, data }]]
    }),
  )
}

async function roundTrip(file: string): Promise<void> {
  const model = parse(file)
  verifyGraph(model.graph)
  expect(printGraph(model.graph).split('\n').length).toBeGreaterThan(model.graph.nodes.length)
  const again = serializeModel(model)
  expect(Buffer.compare(serializeModel(parseModel(again)), again)).toBe(0)
  const [before, after] = await Promise.all([open(file), open(again)])
  const feeds = feedsFor(model)
  const run = (runner: Runner) =>
    runner.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => runner.inputs.includes(name))))
  const [expected, got] = [await run(before), await run(after)]
  expect(Object.keys(got)).toEqual(Object.keys(expected))
  for (const [name, tensor] of Object.entries(expected)) {
    expect(got[name]?.dims).toEqual(tensor.dims)
    expect(Buffer.compare(bytesOf(got[name]), bytesOf(tensor))).toBe(0)
  }
  await Promise.all([before.release(), after.release()])
}

const bytesOf = (tensor: HostTensor | undefined) =>
  tensor ? new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength) : new Uint8Array()

const open = (model: string | Uint8Array) => createRunner(model, { device: 'cpu', threads: 1 })

const onnxFiles = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx') && !name.includes('fp16'))
    .map((name) => path.join(folder, name))

describe('models of this repository: parsed and written again, they give the same bits', () => {
  const folder = path.join(fixtures, 'models')
  test.each(onnxFiles(folder).map((file) => [path.relative(folder, file), file]))('%s', (_, file) => roundTrip(file))
})

describeWithShared('models of other exporters and opsets: the same', ['models'], (folder) => {
  test.each(onnxFiles(folder).map((file) => [path.relative(folder, file), file]))('%s', async (_, file) => {
    try {
      await roundTrip(file)
    } catch (error) {
      // a model that ONNX Runtime refuses as it is has no outputs to compare
      if (!isQontrastError(error, 'model-invalid')) throw error
      await expect(open(file).then((runner) => runner.run(feedsFor(parse(file))))).rejects.toMatchObject({
        code: 'model-invalid',
      })
    }
  })
})

test('what is no ONNX file, or half of one, is said to be so', () => {
  expect(() => parseModel(new TextEncoder().encode('{"not": "onnx"}'))).toThrow(/not a whole ONNX file|no graph/)
  const whole = read(path.join(fixtures, 'models', 'bert-tracing', 'onnx', 'model.onnx'))
  expect(() => parseModel(whole.slice(0, whole.length - 1000))).toThrow(
    expect.objectContaining({ code: 'model-invalid' }),
  )
})
