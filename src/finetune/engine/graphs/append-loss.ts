import type { GraphBuilder, ValueName } from '../../../graph/index.ts'
import { buildLoss } from '../../losses/build-loss.ts'
import { embeddingOf, isTrainable, lossParameter, lossState, partOf, type Recipe, trainedIn } from '../recipe.ts'
import type { Form } from './forward.ts'
import { rowInputs } from './names.ts'
import type { Site } from './place-tower.ts'

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

export interface LossSite {
  readonly g: GraphBuilder
  readonly site: Site
  /** For each pass, the embeddings of all its groups, `[items, dimensions]`. */
  readonly all: ReadonlyMap<string, ValueName>
}

/** Picks the loss's embeddings out of all of them, by inputs of int64 rows, has them go through their heads, and appends the loss. */
export function appendLoss(at: LossSite, recipe: Recipe, { embeddings: form }: Form): AppendedLoss {
  const { g } = at
  const { loss } = recipe
  const embeddings = Object.entries(form).map(
    ([name, count]) => [name, appendEmbedding(at, recipe, name, count)] as const,
  )
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
    trained: [
      ...own.flatMap(([name, one]) => (isTrainable(one) ? [lossParameter(name)] : [])),
      ...trainedIn(recipe, headsOf(recipe, Object.keys(form))),
    ],
  }
}

/** Rows of what a pass gave, through the heads after it. */
function appendEmbedding({ g, site, all }: LossSite, recipe: Recipe, name: string, count: string): ValueName {
  const { through, stop } = embeddingOf(recipe, name)
  const [first, ...heads] = through
  const rows = g.input(rowInputs(name).rows, { dtype: 'int64', dims: [count] })
  const taken = g.op('Gather', [all.get(first) ?? '', rows], { axis: 0 })
  const value = heads.reduce((input, head, place) => {
    const part = partOf(recipe, head)
    const [headInput = ''] = part.tower.inputs
    const rename = (own: ValueName) => `${name}/${place}/${own}`
    return site.place(part, { rename, sizes: { batch: count }, given: new Map([[headInput, input]]) }).output
  }, taken)
  return stop ? g.stop(value) : value
}

/** The heads that some embeddings go through. */
function headsOf(recipe: Recipe, embeddings: readonly string[]): string[] {
  return embeddings.flatMap((name) => embeddingOf(recipe, name).through.slice(1))
}
