import { type JsonObject, QontrastError } from '../../shared/index.ts'
import { type Expression, multiply, subtract, value } from './arithmetic.ts'

/** What an update of one weight may compute with. */
export interface UpdateValues {
  /** Decayed already. */
  readonly weight: Expression
  /** Clipped already, and the mean over accumulated batches. */
  readonly gradient: Expression
  /** What the optimizer keeps, by the names of `Optimizer.slots`. */
  readonly slots: Readonly<Record<string, Expression>>
  /** Learning rate of this step. */
  readonly rate: Expression
  /** Counted from 1. */
  readonly step: Expression
}

/**
 * How weights follow their gradients, as arithmetic on one weight: a loop on the host and nodes of a graph are made of the same definition and give the
 * same weights to 1e-6. With a gradient and slots of zeros it must leave a weight as it is: rows of tables that no batch has used are passed over.
 */
export interface Optimizer {
  readonly name: string
  /** Settings that a resumed run must share. */
  readonly settings: JsonObject
  /** Values kept for each weight, all zero at first. */
  readonly slots: readonly string[]
  update(values: UpdateValues): { readonly weight: Expression; readonly slots: Readonly<Record<string, Expression>> }
}

/** Names of the values of an update: the first three are of each element, the others numbers of the step. */
export const updateNames = {
  weight: 'weight',
  gradient: 'gradient',
  slot: (slot: string) => `slot ${slot}`,
  rate: 'rate',
  decay: 'decay',
  step: 'step',
  scale: 'scale',
} as const

/** Decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101): a weight loses `rate × decay` of itself. */
export const decayed: Expression = multiply(
  value(updateNames.weight),
  subtract(1, multiply(value(updateNames.rate), value(updateNames.decay))),
)

/** What a weight and its slots become in a step, by their names in an update. `invalid-option` where the optimizer gives other slots than it has. */
export function updateOf({ name, slots, update }: Optimizer): Readonly<Record<string, Expression>> {
  const next = update({
    weight: decayed,
    gradient: multiply(value(updateNames.gradient), value(updateNames.scale)),
    slots: Object.fromEntries(slots.map((slot) => [slot, value(updateNames.slot(slot))])),
    rate: value(updateNames.rate),
    step: value(updateNames.step),
  })
  const given = Object.keys(next.slots)
  if (given.length !== slots.length || slots.some((slot) => !Object.hasOwn(next.slots, slot)))
    throw new QontrastError(
      'invalid-option',
      `The optimizer '${name}' keeps ${slots.join(', ') || 'nothing'}, and its update gives ${given.join(', ') || 'nothing'}. Give each slot its next value.`,
    )
  const kept = Object.entries(next.slots).map(([slot, expression]) => [updateNames.slot(slot), expression] as const)
  return { ...Object.fromEntries(kept), [updateNames.weight]: next.weight }
}
