import type { GraphBuilder, Model, ValueName } from '../../../graph/index.ts'
import { appendGradient } from '../../autodiff/index.ts'
import { value } from '../../optimizer/arithmetic.ts'
import { clipNames, clipScale } from '../../optimizer/clipping.ts'
import { followed, followingNames } from '../../optimizer/following.ts'
import { updateNames, updateOf } from '../../optimizer/optimizer.ts'
import { type Parameter, roles, rowNormOf, settled } from '../../optimizer/parameter.ts'
import { graphWriter } from '../../optimizer/to-graph.ts'
import { isTrainable, parametersOf, partsOf, type Recipe, slotName, trainedIn } from '../recipe.ts'
import { appendLoss } from './append-loss.ts'
import { type Form, finish, instantiate, joined } from './forward.ts'
import type { LossOutputs } from './gradients.ts'
import { clipInput, momentumInput } from './names.ts'

/** A step that moves the weights itself, for devices that keep them: every value of the state that changes is an input, and its next value an output. */
export interface UpdateGraph extends LossOutputs {
  readonly model: Model
  /** A scalar output: the norm of all gradients together, before clipping. */
  readonly norm: ValueName
}

/** One step with clipping, the optimizer's update and what follows it in one graph. Scalar inputs: `rate`, `decay`, `step`, `clip`, and momenta. */
export function buildUpdateGraph(recipe: Recipe, form: Form): UpdateGraph {
  const { g, site, embeddings } = instantiate(recipe, form.passes)
  const all = joined(g, form.passes, embeddings)
  const { loss, metrics, state, trained } = appendLoss({ g, site, all }, recipe, form)
  const targets = [...trainedIn(recipe, form.passes), ...trained]
  const gradients = appendGradient(g, { seeds: new Map([[loss, g.scalar(1)]]), targets })

  const squares = [...gradients.values()].map((gradient) => g.op('ReduceSumSquare', [gradient], { keepdims: 0 }))
  const norm = g.op('Sqrt', [squares.reduce((sum, one) => g.op('Add', [sum, one]))])
  const updated = appendUpdates(g, recipe, { gradients, norm })
  const shadows = appendFollowers(g, recipe, updated)
  const next = new Map([...state, ...site.buffers, ...updated, ...shadows])

  const values = [loss, norm, ...metrics.values(), ...next.values()]
  const { model, named } = finish(recipe, g, values, { name: 'update', keep: new Set(next.keys()) })
  const through = (some: ReadonlyMap<string, ValueName>) => new Map([...some].map(([name, one]) => [name, named(one)]))
  return { model, loss: named(loss), norm: named(norm), metrics: through(metrics), next: through(next) }
}

/** Weights and slots after the step. */
function appendUpdates(
  g: GraphBuilder,
  recipe: Recipe,
  { gradients, norm }: { readonly gradients: ReadonlyMap<ValueName, ValueName>; readonly norm: ValueName },
): ReadonlyMap<ValueName, ValueName> {
  const { optimizer } = recipe
  const clip = scalarInput(g, clipInput)
  const scale = graphWriter(g, { [clipNames.norm]: norm, [clipNames.clip]: clip })(clipScale)
  const [rate, decay, step] = [updateNames.rate, updateNames.decay, updateNames.step].map((name) =>
    scalarInput(g, name),
  )
  const update = updateOf(optimizer)
  const parameters = parametersOf(recipe)
  const next = new Map<ValueName, ValueName>()
  for (const [name, gradient] of gradients) {
    const parameter = parameters.get(name)
    if (!parameter) continue
    const { dims } = parameter.value
    const slots = optimizer.slots.map(
      (slot) => [slot, g.input(slotName(slot, name), { dtype: 'float32', dims })] as const,
    )
    const write = graphWriter(g, {
      [updateNames.weight]: name,
      [updateNames.gradient]: gradient,
      ...Object.fromEntries(slots.map(([slot, input]) => [updateNames.slot(slot), input])),
      [updateNames.rate]: rate ?? '',
      [updateNames.decay]: roles[parameter.role].decays ? (decay ?? '') : g.scalar(0),
      [updateNames.step]: step ?? '',
      [updateNames.scale]: scale,
    })
    const write1 = (key: string) => write(update[key] ?? value(key))
    next.set(name, settle(g, parameter, write1(updateNames.weight)))
    for (const [slot, input] of slots) next.set(input, write1(updateNames.slot(slot)))
  }
  return next
}

/** A weight brought back to its constraint. */
function settle(g: GraphBuilder, { constraint }: Parameter, weight: ValueName): ValueName {
  if (!constraint) return weight
  const { expression, needsNorm } = settled(constraint)
  const norm = needsNorm ? g.op('ReduceL2', [weight, g.ints([-1])], { keepdims: 1 }) : ''
  return graphWriter(g, { [updateNames.weight]: weight, [rowNormOf]: norm })(expression)
}

/** Shadows after the weights that they follow have moved. */
function appendFollowers(
  g: GraphBuilder,
  recipe: Recipe,
  updated: ReadonlyMap<ValueName, ValueName>,
): ReadonlyMap<ValueName, ValueName> {
  const known = new Set(g.build().inputs.map(({ name }) => name))
  const input = (name: ValueName, dims: readonly number[]) => {
    if (!known.has(name)) g.input(name, { dtype: 'float32', dims })
    known.add(name)
    return name
  }
  const next = new Map<ValueName, ValueName>()
  for (const { name: follower, follows, tower, weight: shadowName } of partsOf(recipe).values()) {
    const followedPart = follows && partsOf(recipe).get(follows.of)
    if (!followedPart) continue
    const momentum = scalarInput(g, momentumInput(follower))
    for (const [name, parameter] of tower.parameters) {
      if (!isTrainable(parameter)) continue
      const { dims } = parameter.value
      const weight = followedPart.weight(name)
      const shadow = input(shadowName(name), dims)
      const write = graphWriter(g, {
        [followingNames.shadow]: shadow,
        [followingNames.weight]: updated.get(weight) ?? input(weight, dims),
        [followingNames.momentum]: momentum,
      })
      next.set(shadow, write(followed))
    }
  }
  return next
}

function scalarInput(g: GraphBuilder, name: string): ValueName {
  return g.input(name, { dtype: 'float32', dims: [] })
}
