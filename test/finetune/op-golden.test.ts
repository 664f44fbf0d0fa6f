import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { GraphBuilder, OpName, ValueName } from '../../src/graph/index.ts'
import { sizeOf } from '../../src/graph/index.ts'
import { createRandom } from '../../src/shared/index.ts'
import { buildCase, floats, numbers, type OpCase, openGraph } from '../support/op-cases.ts'
import { fixtures, relativeError } from '../support/training.ts'

/** What PyTorch gives, in float64 (tools/op_fixtures.py). */
interface Golden {
  readonly op: OpName
  readonly attributes: NonNullable<OpCase['attributes']>
  readonly inputs: readonly (readonly number[])[]
  /** Of the first input, where they are not random. */
  readonly values?: unknown
  readonly constants?: { readonly pads?: number[]; readonly sizes?: number[]; readonly scales?: number[] }
  readonly opset?: number
  readonly outputs?: number
  readonly result: { readonly dims: readonly number[]; readonly values: readonly number[] }
  /** Null for inputs that no gradient flows to. */
  readonly gradients: readonly (readonly number[] | null)[]
}

const golden: readonly Golden[] = JSON.parse(readFileSync(path.join(fixtures, 'training', 'ops.json'), 'utf8'))

test.each(
  golden.map(
    (one) =>
      [
        `${one.op} ${one.inputs.map((dims) => `[${dims}]`).join(' ')} ${JSON.stringify({ ...one.attributes, ...one.constants })}`,
        one,
      ] as const,
  ),
)('%s gives what PyTorch gives, and its gradients', async (_, one) => {
  const values = one.inputs.map((dims, i) => (i === 0 && one.values ? flat(one.values) : valuesOf(one.op, dims, i)))
  const learned = one.inputs.flatMap((dims, i) => (one.gradients[i] ? [{ dims, i }] : []))
  const given = (g: GraphBuilder, x: readonly ValueName[]) => [
    ...one.inputs.map((dims, i) => x[learned.findIndex((input) => input.i === i)] ?? g.floats(values[i] ?? [], dims)),
    ...constantsOf(g, one.constants),
  ]
  const built = buildCase({ ...one, inputs: learned.map(({ dims }) => dims), given })
  const runner = await openGraph(built.graph, 'cpu', one.opset)
  const feeds = learned.map(({ dims, i }, k) => [`x${k}`, floats(dims, values[i] ?? [])] as const)
  const upstream = random(sizeOf(one.result.dims), 99)
  const results = await runner.run({ ...Object.fromEntries(feeds), u: floats(one.result.dims, upstream) })
  await runner.release()
  expect(results[built.y]?.dims).toEqual(one.result.dims)
  expect(relativeError(numbers(results[built.y]), one.result.values)).toBeLessThan(1e-6)
  for (const [k, { i, dims }] of learned.entries()) {
    const found = results[built.gradients[k] ?? '']
    expect(found?.dims).toEqual(dims)
    expect(relativeError(numbers(found), one.gradients[i] ?? []), `gradient of input ${i}`).toBeLessThan(1e-6)
  }
})

function flat(values: unknown): number[] {
  return Array.isArray(values) ? values.flatMap(flat) : [Number(values)]
}

/** The numbers that PyTorch was given; a variance is above 0. */
function valuesOf(op: OpName, dims: readonly number[], i: number): number[] {
  const values = random(sizeOf(dims), i + 1)
  return op === 'BatchNormalization' && i === 4 ? values.map((value) => Math.abs(value) + 0.5) : values
}

function random(count: number, seed: number): number[] {
  const next = createRandom(seed)
  return Array.from({ length: count }, () => 2 * next() - 1)
}

function constantsOf(g: GraphBuilder, { pads, sizes, scales }: NonNullable<Golden['constants']> = {}): ValueName[] {
  if (pads) return [g.ints(pads)]
  if (sizes) return ['', '', g.ints(sizes)]
  return scales ? ['', g.floats(scales)] : []
}
