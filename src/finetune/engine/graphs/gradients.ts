import { createBuilder, type Model, type ValueName } from '../../../graph/index.ts'
import { isQontrastError, QontrastError } from '../../../shared/index.ts'
import { appendGradient } from '../../autodiff/index.ts'
import type { Tower } from '../../tower/tower.ts'
import { embeddingOf, partOf, type Recipe, trainedIn } from '../recipe.ts'
import { appendLoss } from './append-loss.ts'
import { type Form, type Forward, finish, instantiate, joined } from './forward.ts'
import { embeddingsInput } from './names.ts'
import { createSite, lookupsOf } from './place-tower.ts'

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
  const { g, site } = forward
  const all = joined(g, form.passes, forward.embeddings)
  const { loss, metrics, state, trained } = appendLoss({ g, site, all }, recipe, form)
  const found = gradientsIn(recipe, forward, { passes: form.passes, seeds: new Map([[loss, g.scalar(1)]]), trained })
  const next = new Map([...state, ...site.buffers])
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

export interface LossGraph extends LossOutputs, Pick<GradientGraph, 'model' | 'gradients'> {
  /** For each pass that gradients go back into, the output that has its embeddings'. */
  readonly upstream: ReadonlyMap<string, ValueName>
}

/** For the gradient cache: the loss, and the gradient of all embeddings, which are inputs of their own for each pass, `[items, dimensions]`. */
export function buildLossGraph(recipe: Recipe, form: Form): LossGraph {
  const g = createBuilder()
  const passes = [...new Set(Object.keys(form.embeddings).map((name) => embeddingOf(recipe, name).through[0]))]
  const all = new Map(
    passes.map((pass) => {
      const dims = [`${pass} items`, partOf(recipe, pass).tower.dimensions]
      return [pass, g.input(embeddingsInput(pass), { dtype: 'float32', dims })] as const
    }),
  )
  const site = createSite(g, recipe)
  const { loss, metrics, state, trained } = appendLoss({ g, site, all }, recipe, form)
  const found = appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets: [...all.values(), ...trained] })
  const own = [...all].filter(([pass]) => !partOf(recipe, pass).follows)
  const upstream = new Map(own.flatMap(([pass, value]) => pairOf(pass, found.get(value))))
  if (upstream.size === 0)
    throw new QontrastError(
      'invalid-option',
      `The loss '${recipe.loss.name}' does not depend on any embedding that is trained.`,
    )
  for (const value of all.values()) found.delete(value)
  const next = new Map([...state, ...site.buffers])
  const values = [loss, ...upstream.values(), ...metrics.values(), ...next.values(), ...found.values()]
  const { model, named } = finish(recipe, g, values, { name: 'loss' })
  return {
    model,
    loss: named(loss),
    upstream: through(upstream, named),
    metrics: through(metrics, named),
    next: through(next, named),
    gradients: through(found, named),
  }
}

/** For the gradient cache: the gradients of the weights from that of the embeddings, given as the input `upstream`, of one group of texts. */
export function buildChunkGraph(recipe: Recipe, pass: string): GradientGraph {
  const forward = instantiate(recipe, [pass])
  const { g, embeddings } = forward
  const [embedding = ''] = embeddings
  const upstream = g.input('upstream', { dtype: 'float32', dims: g.dimsOf(embedding) })
  const seeds = new Map([[embedding, upstream]])
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
export function checkGradients(recipe: Recipe, pass: string, family: string | undefined): void {
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
