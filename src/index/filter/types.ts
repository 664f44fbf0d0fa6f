import type { Filter, Operand, Range } from './node.ts'

/** Conditions on one field: a value, a list (one of them), or operators, all of which hold. */
export type PlainCondition =
  | Operand
  | readonly Operand[]
  | (Range & {
      readonly eq?: Operand
      readonly in?: readonly Operand[]
      readonly contains?: string
      readonly exists?: boolean
    })

/** The plain form: fields with a value, a list (one of them) or operators, all of which hold; `$and`, `$or` and `$not` combine. */
export type PlainFilter = {
  readonly [field: string]: PlainCondition | PlainFilter | readonly FilterInput[]
}
export type FilterInput = Filter | PlainFilter
