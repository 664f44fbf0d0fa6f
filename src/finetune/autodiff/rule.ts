import type { Dims, GraphBuilder, GraphNode, ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'

/** What a rule may look at while it writes the gradient of one node. */
export interface RuleContext {
  readonly g: GraphBuilder
  readonly node: GraphNode
  /** Inputs that a gradient is wanted for: a rule may leave the others out. */
  readonly wanted: readonly boolean[]
  /** Name of an input or output; `internal` where it is left out. */
  input(index: number): ValueName
  output(index?: number): ValueName
  /** Dims of a forward value. */
  dims(value: ValueName): Dims
}

/**
 * The gradient for one input: a value of that input's dims, or of other dims, given along, that broadcast from them; those are summed in one place.
 * Null where none flows.
 */
export type InputGradient = ValueName | { readonly value: ValueName; readonly dims: Dims } | null

/** Writes the vector-Jacobian product of a node: `upstream` is the gradient of its first output. One gradient an input. */
export type Rule = (context: RuleContext, upstream: ValueName) => readonly InputGradient[]

/** The same for a node all of whose outputs take part; no gradient flows to those that are undefined, but to one at least. */
export type JoinRule = (context: RuleContext, upstreams: readonly (ValueName | undefined)[]) => readonly InputGradient[]

/** Why there is no gradient, and what to do instead; shown to the user. */
export interface Refusal {
  readonly refuse: string
}

/** `zero`: the output does not change with its inputs, or only in jumps, so nothing flows. */
export type RuleEntry = { readonly rule: Rule } | { readonly join: JoinRule } | 'zero' | Refusal

/** Why a model has no gradient, in the one form that all such errors have; whoever knows the model's family adds it. */
export function untrainable(reason: string): QontrastError {
  return new QontrastError('model-invalid', `This model cannot be trained: ${reason}.`)
}
