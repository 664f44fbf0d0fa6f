import type { GraphBuilder, ValueName } from '../../../graph/index.ts'
import { buildLoss } from '../../losses/build-loss.ts'
import { isTrainable, lossParameter, lossState, type Recipe } from '../recipe.ts'
import type { Form } from './forward.ts'

/** A loss as it stands in a graph. */
export interface AppendedLoss {
  /** A scalar. */
  readonly loss: ValueName
  /** Scalars by the loss's names. */
  readonly metrics: ReadonlyMap<string, ValueName>
  /** State of the loss → the value that holds its next. */
  readonly state: ReadonlyMap<ValueName, ValueName>
  /** The parameters that are learned. */
  readonly trained: readonly ValueName[]
}

/** Inputs that say which rows of all embeddings make one of the loss's, and which example each of them belongs to. */
export function rowInputs(embedding: string) {
  return { rows: `${embedding}_rows`, examples: `${embedding}_examples` } as const
}

/** Picks the loss's embeddings out of all of them, by inputs of int64 rows, and appends the loss. */
export function appendLoss(g: GraphBuilder, all: ValueName, recipe: Recipe, { embeddings: form }: Form): AppendedLoss {
  const { loss } = recipe
  const embeddings = Object.entries(form).map(([name, count]) => {
    const rows = g.input(rowInputs(name).rows, { dtype: 'int64', dims: [count] })
    return [name, g.op('Gather', [all, rows], { axis: 0 })] as const
  })
  const rows = Object.entries(form).map(([name, count]) => {
    return [name, g.input(rowInputs(name).examples, { dtype: 'int64', dims: [count] })] as const
  })
  const own = Object.entries(loss.parameters ?? {})
  const parameters = own.map(
    ([
      name,
      {
        value: { dtype, dims },
      },
    ]) => [name, g.input(lossParameter(name), { dtype, dims })] as const,
  )
  const state = Object.entries(loss.state ?? {}).map(([name, { dtype, dims }]) => {
    return [name, g.input(lossState(name), { dtype, dims })] as const
  })
  const built = buildLoss(g, loss, {
    embeddings: Object.fromEntries(embeddings),
    rows: Object.fromEntries(rows),
    columns: {},
    parameters: Object.fromEntries(parameters),
    state: Object.fromEntries(state),
  })
  const next = Object.entries(built.state ?? {})
  return {
    loss: built.loss,
    metrics: new Map(Object.entries(built.metrics ?? {})),
    state: new Map(next.map(([name, value]) => [lossState(name), value])),
    trained: own.flatMap(([name, one]) => (isTrainable(one) ? [lossParameter(name)] : [])),
  }
}
