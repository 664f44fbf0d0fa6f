import type { TensorValue } from '../../graph/index.ts'
import { divide, type Expression, larger, reads, smaller, value } from './arithmetic.ts'

/**
 * What a weight is for, and whether it decays: only what multiplies, and what words are looked up in, is shrunk towards zero. Not so what shifts and scales,
 * marks a place, or stands for something by itself.
 */
export const roles = {
  weight: { decays: true },
  embedding: { decays: true },
  bias: { decays: false },
  /** Scale of a norm, or a LayerScale. */
  scale: { decays: false },
  /** Of places: looked up by position, added, or what relative places add to attention. */
  position: { decays: false },
  /** A token of no word: the class, a mask, a register. */
  class: { decays: false },
  /** What logits are multiplied by, or shifted by. */
  logit: { decays: false },
  prototype: { decays: false },
} as const satisfies Record<string, { readonly decays: boolean }>

export type Role = keyof typeof roles

/** A weight as training begins with it, and how it is trained. */
export interface Parameter {
  readonly value: TensorValue
  readonly role: Role
  /** Frozen where this is false: no gradient, no update, no decay. */
  readonly trainable?: boolean
  /** What holds of it after every update. */
  readonly constraint?: Constraint
}

/** What an updated weight is brought back to, as arithmetic on one number; `rowNorm` is the length of the row that it is in. */
export interface Constraint {
  readonly name: string
  settle(values: { readonly weight: Expression; readonly rowNorm: Expression }): Expression
}

const smallestNorm = 1e-12

export const constraints = {
  /** Cut to a range: CLIP's log of the logit scale to [0, ln 100] (Radford et al. 2021, arXiv:2103.00020). */
  range: (least: number, most: number): Constraint => ({
    name: `range ${least} to ${most}`,
    settle: ({ weight }) => larger(least, smaller(most, weight)),
  }),
  /** Rows of unit length: SwAV's prototypes (Caron et al. 2020, arXiv:2006.09882). */
  unitRows: {
    name: 'unit rows',
    settle: ({ weight, rowNorm }) => divide(weight, larger(rowNorm, smallestNorm)),
  },
} as const satisfies Record<string, Constraint | ((...settings: number[]) => Constraint)>

/** Name of the length of a weight's row, `[…, 1]`, in a constraint's arithmetic. */
export const rowNormOf = 'row norm'

/** A constraint's arithmetic on an updated weight, and whether it wants the lengths of rows. */
export function settled({ settle }: Constraint): { readonly expression: Expression; readonly needsNorm: boolean } {
  const expression = settle({ weight: value('weight'), rowNorm: value(rowNormOf) })
  return { expression, needsNorm: reads(expression, rowNormOf) }
}
