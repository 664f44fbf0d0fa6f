/** Conditions on payloads: `docs/filters.md` is the whole rule. */

export { strayField } from './alone.ts'
export { and, contains, eq, exists, gt, gte, lt, lte, not, oneOf, or, range } from './build.ts'
export { toFilter } from './check.ts'
export { matchesFilter } from './evaluate.ts'
export type { Fields, FieldType } from './fields.ts'
export { filterLimits } from './limits.ts'
export { canonicalFilter } from './meaning.ts'
export {
  type Field,
  type FieldPath,
  type Filter,
  isEveryPayload,
  isLeaf,
  type Leaf,
  type Limits,
  type Operand,
  partsOf,
  type Range,
  type Scalar,
} from './node.ts'
export type { FilterInput, PlainCondition, PlainFilter } from './types.ts'
