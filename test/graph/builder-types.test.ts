import { expectTypeOf, test } from 'vitest'
import type { OpSpec } from '../../src/graph/index.ts'
import { type GraphBuilder, infoNce, type Loss, type LossValues, type OpName, type ValueName } from '../../src/main.ts'

test('every operator has arity, types and attributes: a row without one of them does not compile', () => {
  expectTypeOf<Omit<OpSpec, 'infer'>>().not.toExtend<OpSpec>()
  expectTypeOf<OpSpec['infer']>().returns.items.toHaveProperty('dims')
})

test('the builder takes operators by name, and types from nobody', () => {
  expectTypeOf<'Softmax'>().toExtend<OpName>()
  expectTypeOf<'Softmaks'>().not.toExtend<OpName>()
  expectTypeOf<GraphBuilder['op']>().parameter(1).toEqualTypeOf<readonly ValueName[]>()
  expectTypeOf<Parameters<GraphBuilder['op']>['length']>().toEqualTypeOf<2 | 3>()
  expectTypeOf<GraphBuilder['op']>().returns.toEqualTypeOf<ValueName>()
})

test('a loss of the package and one of its user are of one type', () => {
  expectTypeOf(infoNce()).toEqualTypeOf<Loss>()
  expectTypeOf<{
    name: string
    settings: { margin: number }
    build(g: GraphBuilder, values: LossValues): { loss: ValueName }
  }>().toExtend<Loss>()
  expectTypeOf<{ name: string; settings: object; build(): { loss: number } }>().not.toExtend<Loss>()
})
