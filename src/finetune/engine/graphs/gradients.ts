import type { TransformerFiles } from '../../../embed/index.ts'
import { createBuilder, type Model, type ValueName } from '../../../graph/index.ts'
import { isQontrastError, QontrastError } from '../../../shared/index.ts'
import { appendGradient } from '../../autodiff/index.ts'
import type { Tower } from '../../tower/tower.ts'
import { isTrainable, partOf, type Recipe } from '../recipe.ts'
import { appendLoss } from './append-loss.ts'
import { dimensionsOf, type Form, type Forward, finish, instantiate, joined, lookupsOf } from './forward.ts'

/** A table of which a batch uses some rows: its gradient is that of the rows taken, and which they were. */
export interface RowGradient {
  readonly table: ValueName
  /** Outputs of the graph, or an input: int64 row numbers of any shape, and their gradients `[…row numbers, width]`. */
  readonly rows: ValueName
  readonly gradient: ValueName
}

/** A graph that gives gradients, and where in its outputs they are. */
export interface GradientGraph {
  readonly model: Model
  /** The output that holds each trained value's gradient; tables that are only looked up are in `rowGradients`. */
  readonly gradients: ReadonlyMap<ValueName, ValueName>
  readonly rowGradients: readonly RowGradient[]
}

/** Where a graph's outputs tell what a batch gave beside gradients. */
export interface LossOutputs {
  /** Scalars. */
  readonly loss: ValueName
  readonly metrics: ReadonlyMap<string, ValueName>
  /** State → the output that holds its next value. */
  readonly next: ReadonlyMap<ValueName, ValueName>
}

export type StepGraph = GradientGraph & LossOutputs

/**
 * One batch as one graph: the towers over each group of texts (a group is padded to its own longest text), all embeddings put in the order of the examples,
 * the loss, and the gradient of every trained weight.
 */
export function buildStepGraph(recipe: Recipe, form: Form): StepGraph {
  const forward = instantiate(recipe, form.passes)
  const { g } = forward
  const all = joined(g, forward.embeddings)
  const { loss, metrics, state, trained } = appendLoss(g, all, recipe, form)
  const found = gradientsIn(recipe, forward, { passes: form.passes, seeds: new Map([[loss, g.scalar(1)]]), trained })
  const next = new Map([...state, ...forward.buffers])
  const values = [loss, ...metrics.values(), ...next.values(), ...found.values]
  const { model, named } = finish(recipe, g, values, { name: 'step' })
  return {
    model,
    loss: named(loss),
    metrics: through(metrics, named),
    next: through(next, named),
    ...found.named(named),
  }
}

/** For the gradient cache: loss and gradient of all embeddings, given as the input `embeddings` `[texts, dimensions]`. */
export function buildLossGraph(
  recipe: Recipe,
  form: Form,
): LossOutputs & Pick<GradientGraph, 'model' | 'gradients'> & { readonly gradient: ValueName } {
  const g = createBuilder()
  const all = g.input('embeddings', { dtype: 'float32', dims: ['texts', dimensionsOf(recipe)] })
  const { loss, metrics, state, trained } = appendLoss(g, all, recipe, form)
  const found = appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets: [all, ...trained] })
  const gradient = found.get(all)
  if (gradient === undefined)
    throw new QontrastError('internal', `the loss '${recipe.loss.name}' does not depend on the embeddings`)
  found.delete(all)
  const values = [loss, gradient, ...metrics.values(), ...state.values(), ...found.values()]
  const { model, named } = finish(recipe, g, values, { name: 'loss' })
  return {
    model,
    loss: named(loss),
    gradient: named(gradient),
    metrics: through(metrics, named),
    next: through(state, named),
    gradients: through(found, named),
  }
}

/** For the gradient cache: the gradients of the weights from that of the embeddings, given as the input `upstream`, of one group of texts. */
export function buildChunkGraph(recipe: Recipe, pass: string): GradientGraph {
  const forward = instantiate(recipe, [pass])
  const { g, embeddings } = forward
  const upstream = g.input('upstream', { dtype: 'float32', dims: ['batch0', dimensionsOf(recipe)] })
  const seeds = new Map([[embeddings[0] ?? '', upstream]])
  const found = gradientsIn(recipe, forward, { passes: [pass], seeds, trained: [] })
  const { model, named } = finish(recipe, g, found.values, { name: 'chunk' })
  return { model, ...found.named(named) }
}

/** A tower alone, for embeddings without gradients: its output is `embeddings`. */
export function buildEncodeGraph(
  recipe: Recipe,
  pass: string,
): { readonly model: Model; readonly embeddings: ValueName } {
  const { g, embeddings } = instantiate(recipe, [pass])
  const [value = ''] = embeddings
  const { model, named } = finish(recipe, g, [value], { name: 'encode' })
  return { model, embeddings: named(value) }
}

/** `model-invalid` where a part of the model has no gradient: with its family, the operator, and what to do. */
export function checkGradients(recipe: Recipe, pass: string, { settings: { family } }: TransformerFiles): void {
  try {
    buildChunkGraph(recipe, pass)
  } catch (cause) {
    if (!isQontrastError(cause, 'model-invalid') || family === undefined) throw cause
    throw new QontrastError('model-invalid', cause.message.replace(/^This model/, `This model (${family})`), { cause })
  }
}

/** The weights whose gradients come as rows. */
export function tablesOf(tower: Tower): Set<ValueName> {
  return new Set(lookupsOf(tower).map(({ table }) => table))
}

interface GradientTargets {
  readonly passes: readonly string[]
  readonly seeds: ReadonlyMap<ValueName, ValueName>
  /** What is learned beside the towers' weights. */
  readonly trained: readonly ValueName[]
}

/** The names of the trained weights that passes read. */
export function trainedIn(recipe: Recipe, passes: readonly string[]): Set<ValueName> {
  const parts = [...new Set(passes)].map((name) => partOf(recipe, name)).filter(({ follows }) => !follows)
  return new Set(
    parts.flatMap(({ tower, weight }) =>
      [...tower.parameters].flatMap(([name, one]) => (isTrainable(one) ? [weight(name)] : [])),
    ),
  )
}

/** Appends the reverse pass; `values` are its results, to be made outputs. */
function gradientsIn(recipe: Recipe, { g, lookups }: Forward, { passes, seeds, trained }: GradientTargets) {
  const tables = new Set(lookups.map(({ table }) => table))
  const dense = [...trainedIn(recipe, passes)].filter((name) => !tables.has(name))
  const targets = [...dense, ...trained, ...lookups.map(({ taken }) => taken)]
  const found = appendGradient(g, { seeds, targets })
  const gradients = new Map([...dense, ...trained].flatMap((name) => pairOf(name, found.get(name))))
  const taken = lookups.flatMap(({ table, rows, taken: value }) => {
    const gradient = found.get(value)
    return gradient === undefined ? [] : [{ table, rows, gradient }]
  })
  const inputs = new Set(g.build().inputs.map(({ name }) => name))
  const given = new Set(taken.map(({ rows }) => rows).filter((name) => !inputs.has(name)))
  return {
    values: [...gradients.values(), ...taken.map(({ gradient }) => gradient), ...given],
    named: (named: (value: ValueName) => ValueName) => ({
      gradients: through(gradients, named),
      rowGradients: taken.map(({ table, rows, gradient }) => {
        return { table, rows: given.has(rows) ? named(rows) : rows, gradient: named(gradient) }
      }),
    }),
  }
}

function pairOf<T>(name: ValueName, value: T | undefined): [ValueName, T][] {
  return value === undefined ? [] : [[name, value]]
}

function through(values: ReadonlyMap<string, ValueName>, named: (value: ValueName) => ValueName) {
  return new Map([...values].map(([name, value]) => [name, named(value)]))
}
