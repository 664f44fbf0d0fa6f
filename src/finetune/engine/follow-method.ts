import type { ProcessorRecipe } from '../../embed/index.ts'
import { sumOf } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { BatchPlan, Route } from '../data/batch.ts'
import type { BatchSetup } from '../data/batch-maker.ts'
import type { CutRules, SizeRule } from '../data/cut.ts'
import type { Method } from '../methods/method.ts'
import type { OpenTower } from '../methods/tower-source.ts'
import { momentumAt } from '../optimizer/following.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import { partOf, type Recipe } from './recipe.ts'

export type OpenTowers = ReadonlyMap<string, OpenTower>

/** Opens the towers of a method that follow no other. */
export async function openTowers({ towers }: Method): Promise<OpenTowers> {
  const opened: [string, OpenTower][] = []
  for (const [name, tower] of Object.entries(towers)) if ('open' in tower) opened.push([name, await tower.open()])
  return new Map(opened)
}

/** A method with its towers as what steps are made of. */
export function recipeOf(
  { towers, embeddings, loss }: Method,
  opened: OpenTowers,
  { optimizer, steps }: { readonly optimizer: Optimizer; readonly steps: number },
): Recipe {
  const followers = Object.entries(towers).flatMap(([name, tower]) => {
    if ('open' in tower) return []
    const { follows, momentum } = tower
    return [[name, { of: follows, momentum: (step: number) => momentumAt(step, steps, momentum) }] as const]
  })
  return {
    towers: Object.fromEntries([...opened].map(([name, { tower }]) => [name, tower])),
    followers: Object.fromEntries(followers),
    embeddings,
    loss,
    optimizer,
  }
}

/** How a method's batches are made, as plain data. */
export function batchSetupOf(
  method: Method,
  opened: OpenTowers,
  {
    recipe,
    cut,
    size,
  }: { readonly recipe: Recipe; readonly cut: CutRules; readonly size: (tower: string) => SizeRule },
): BatchSetup {
  const sourceOf = (pass: string) => partOf(recipe, pass).follows?.of ?? pass
  const routes = new Map<string, Route & { views: string[] }>()
  for (const view of Object.keys(method.views)) {
    const through = Object.values(method.embeddings).filter((one) => one.view === view)
    const passes = [...new Set(through.map(({ through: [encoder] }) => encoder))]
    for (const [processor, own] of Map.groupBy(passes, sourceOf)) {
      const divisible = !own.some((pass) => partOf(recipe, pass).tower.batchDependent)
      const key = JSON.stringify([processor, own, divisible || view])
      const rules = own.map((pass) => size(sourceOf(pass)))
      const rule = { count: sumOf(rules.map(({ count }) => count)), each: rules[0]?.each ?? 0 }
      const route = routes.get(key) ?? { views: [], processor, passes: own, size: rule, divisible }
      route.views.push(view)
      routes.set(key, route)
    }
  }
  const plan: BatchPlan = {
    purposes: Object.fromEntries(
      Object.entries(method.views).map(([name, { purpose = 'document' }]) => [name, purpose]),
    ),
    routes: [...routes.values()],
    embeddings: Object.fromEntries(
      Object.entries(method.embeddings).map(
        ([
          name,
          {
            view,
            through: [pass],
          },
        ]) => [name, { view, pass }],
      ),
    ),
    cut,
  }
  return { plan, processors: processorsOf(opened, plan) }
}

function processorsOf(opened: OpenTowers, { routes }: BatchPlan): Record<string, ProcessorRecipe> {
  const names = [...new Set(routes.map(({ processor }) => processor))]
  return Object.fromEntries(
    names.map((name) => {
      const processor = opened.get(name)?.processor
      if (!processor)
        throw new QontrastError(
          'invalid-option',
          `The tower '${name}' is given a view, and takes no inputs: it is a head. Put an encoder before it, as through: ['encoder', '${name}'].`,
        )
      return [name, processor]
    }),
  )
}
