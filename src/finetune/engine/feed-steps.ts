import type { Input } from '../../embed/index.ts'
import { combineSeeds, createRandom } from '../../shared/index.ts'
import { ahead } from '../data/ahead.ts'
import type { StepInputs } from '../data/batch.ts'
import type { BatchMaker } from '../data/batch-maker.ts'
import type { Example, TrainingData } from '../data/examples.ts'
import type { Method } from '../methods/method.ts'
import type { Planned } from './plan.ts'
import type { Recipe } from './recipe.ts'
import type { ReadyStep } from './take-steps.ts'

export interface FeedOptions {
  readonly method: Method
  readonly data: Pick<TrainingData, 'example'>
  readonly recipe: Recipe
  readonly maker: BatchMaker
  readonly seed: number
}

/** Makes stretches of planned steps ready, ahead of who takes them. */
export function feedSteps(
  stretches: Iterable<readonly Planned[]>,
  options: FeedOptions,
): AsyncGenerator<readonly [readonly Planned[], readonly ReadyStep[]], void, undefined> {
  const make = (stretch: readonly Planned[]) => Promise.all(stretch.map((planned) => makeReady(planned, options)))
  return ahead(stretches, make, options.maker.lanes + 1)
}

async function makeReady(planned: Planned, { method, data, recipe, maker, seed }: FeedOptions): Promise<ReadyStep> {
  const { step, rate, parts } = planned
  const batches = await Promise.all(
    parts.map(async (positions, part) => {
      const inputs = await inputsOf(method, positions.map(data.example), combineSeeds(seed, step, part))
      return maker.make(inputs)
    }),
  )
  const momenta = Object.entries(recipe.followers).map(([name, { momentum }]) => [name, momentum(step)] as const)
  return { step, rate, momenta: Object.fromEntries(momenta), batches }
}

/** What each view sees of the examples. What an augmentation makes of an input follows from the seed, the example and the view. */
export async function inputsOf(
  { views }: Pick<Method, 'views'>,
  examples: readonly Example[],
  seed: number,
): Promise<StepInputs> {
  const inputs: [string, readonly (readonly Input[])[]][] = []
  for (const [place, [name, { of, augment }]] of Object.entries(views).entries()) {
    const seen = examples.map((example, i) => {
      const given = listOf(example[of])
      if (!augment) return given
      const random = createRandom(combineSeeds(seed, place, i))
      return Promise.all(given.map((input) => augment.apply(input, random)))
    })
    inputs.push([name, await Promise.all(seen)])
  }
  return Object.fromEntries(inputs)
}

function listOf(value: Example[string] | undefined): readonly Input[] {
  if (value === undefined) return []
  return isList(value) ? value : [value]
}

function isList(value: Example[string]): value is readonly Input[] {
  return Array.isArray(value)
}
