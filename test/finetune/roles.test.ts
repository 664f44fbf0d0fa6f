import { expect, test } from 'vitest'
import { roles } from '../../src/finetune/optimizer/parameter.ts'
import { rolesOf } from '../../src/finetune/tower/roles.ts'
import { createBuilder, float32Tensor, type TensorValue } from '../../src/graph/index.ts'

test('the weights of a vision transformer have the roles that their places in the graph give them', () => {
  const g = createBuilder()
  const weights = new Map<string, TensorValue>()
  const weight = (name: string, dims: readonly number[]) => {
    weights.set(name, float32Tensor(new Float32Array(dims.reduce((product, dim) => product * dim, 1)), dims))
    return g.input(name, { dtype: 'float32', dims })
  }
  const image = g.input('pixel_values', { dtype: 'float32', dims: ['batch', 3, 8, 8] })
  const patches = g.op('Conv', [image, weight('patch', [16, 3, 4, 4]), weight('patch_bias', [16])], { strides: [4, 4] })
  const tokens = g.op('Transpose', [g.reshape(patches, ['batch', 16, 4])], { perm: [0, 2, 1] })
  const batch = g.op('Concat', [g.op('Shape', [image], { start: 0, end: 1 }), g.ints([1, 16])], { axis: 0 })
  const classToken = g.op('Expand', [weight('class', [1, 1, 16]), batch])
  const all = g.op('Concat', [classToken, tokens], { axis: 1 })
  const placed = g.op('Add', [all, weight('position', [1, 5, 16])])
  const normed = g.op('LayerNormalization', [placed, weight('norm', [16]), weight('norm_bias', [16])], { axis: -1 })
  const linear = g.op('Add', [g.op('MatMul', [normed, weight('linear', [16, 16])]), weight('linear_bias', [16])])
  const index = g.ints([0, 1, 2, 1, 0, 2, 1, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
  const relative = g.reshape(g.op('Gather', [weight('relative', [3, 1]), index], { axis: 0 }), [1, 5, 5])
  const scores = g.op('Add', [g.op('MatMul', [linear, g.op('Transpose', [linear], { perm: [0, 2, 1] })]), relative])
  const mixed = g.op('MatMul', [g.op('Softmax', [scores], { axis: -1 }), linear])
  const scaled = g.op('Mul', [mixed, weight('layer_scale', [16])])
  g.output(g.op('ReduceMean', [g.op('MatMul', [scaled, weight('score', [16])]), g.ints([1])], { keepdims: 0 }))
  expect(Object.fromEntries(rolesOf(g.build(), weights))).toEqual({
    patch: 'weight',
    patch_bias: 'bias',
    class: 'class',
    position: 'position',
    norm: 'scale',
    norm_bias: 'bias',
    linear: 'weight',
    linear_bias: 'bias',
    relative: 'position',
    layer_scale: 'scale',
    score: 'weight', // a vector that multiplies: no bias, whatever its rank
  })
})

test('only weights and embeddings decay', () => {
  expect(
    Object.entries(roles)
      .filter(([, { decays }]) => decays)
      .map(([role]) => role),
  ).toEqual(['weight', 'embedding'])
})
