/** Conditions on payloads: `docs/filters.md` is the whole rule. */
export type { FieldType } from './fields.ts'
export { strayField } from './filter/alone.ts'
export { and, contains, eq, exists, gt, gte, lt, lte, not, oneOf, or, range } from './filter/build.ts'
export { toFilter } from './filter/check.ts'
export { matchesFilter } from './filter/evaluate.ts'
export { filterLimits } from './filter/limits.ts'
export { canonicalFilter } from './filter/meaning.ts'
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
} from './filter/node.ts'
export type { FilterInput, PlainCondition, PlainFilter } from './filter/types.ts'
