import { containsLeaf, describe, existsLeaf, inside, oneOfLeaf, pathOf, placeOf, rangeLeaf } from './leaf.ts'
import { combine, type Field, type Filter, invalid, negate, type Operand, type Range } from './node.ts'
import { readBranch } from './plain.ts'
import type { FilterInput } from './types.ts'

export const eq = (field: Field, value: Operand): Filter => oneOfLeaf(pathOf(field), [value], placeOf(field))

export function oneOf(field: Field, values: readonly Operand[]): Filter {
  const path = pathOf(field)
  if (!Array.isArray(values))
    throw invalid(`${placeOf(path)()}: one of what? It needs a list; got ${describe(values)}.`)
  return oneOfLeaf(path, values, placeOf(path))
}

/** One value within all limits. */
export function range(field: Field, limits: Range): Filter {
  const path = pathOf(field)
  if (typeof limits !== 'object' || limits === null)
    throw invalid(`${placeOf(path)()}: a range is { gt, gte, lt, lte }; got ${describe(limits)}.`)
  return rangeLeaf(path, Object.entries(limits), placeOf(path))
}

export const gt = (field: Field, limit: number | string | Date): Filter => range(field, { gt: limit })
export const gte = (field: Field, limit: number | string | Date): Filter => range(field, { gte: limit })
export const lt = (field: Field, limit: number | string | Date): Filter => range(field, { lt: limit })
export const lte = (field: Field, limit: number | string | Date): Filter => range(field, { lte: limit })

/** A case-sensitive substring. */
export const contains = (field: Field, text: string): Filter => containsLeaf(pathOf(field), text, placeOf(field))
/** Neither missing, nor null, nor an empty array. */
export const exists = (field: Field): Filter => existsLeaf(pathOf(field))
export const and = (...filters: readonly FilterInput[]): Filter => combine('and', branches('and', filters))
export const or = (...filters: readonly FilterInput[]): Filter => combine('or', branches('or', filters))
export const not = (filter: FilterInput): Filter => negate(readBranch(filter, () => 'not()'))

function branches(name: string, filters: readonly FilterInput[]): Filter[] {
  if (filters.length === 0) throw invalid(`${name}() needs a filter: without one it says nothing.`)
  return filters.map((filter, i) =>
    readBranch(
      filter,
      inside(() => `${name}()`, i),
    ),
  )
}
