import { updateOf } from '../optimizer/optimizer.ts'
import { roles, settled } from '../optimizer/parameter.ts'
import type { Following, MovedFacts, StepFacts } from './facts.ts'
import { isTrainable, parametersOf, partsOf, type Recipe, slotName } from './recipe.ts'

/** Tells what taking a step needs to know of a recipe. */
export function factsOf(recipe: Recipe): StepFacts {
  const { optimizer } = recipe
  const parts = [...partsOf(recipe).values()]
  const trained = [...parametersOf(recipe)].filter(([, one]) => isTrainable(one))
  const moved = trained.map(([name, { role, constraint }]): MovedFacts => {
    const slots = optimizer.slots.map((slot) => slotName(slot, name))
    return { name, slots, decays: roles[role].decays, settled: constraint && settled(constraint).expression }
  })
  const followers = parts.flatMap(({ name, follows, tower, weight: shadowOf }) => {
    const followed = parts.find((part) => part.name === follows?.of)
    if (!followed) return []
    const own = [...tower.parameters].flatMap(([value, one]): Following[] =>
      isTrainable(one) ? [{ shadow: shadowOf(value), weight: followed.weight(value) }] : [],
    )
    return [[name, own] as const]
  })
  return {
    passes: Object.fromEntries(
      parts.map(({ name, tower: { dimensions, dropout }, follows }) => {
        return [name, { dimensions, dropout, follows: follows !== undefined }]
      }),
    ),
    update: { slots: optimizer.slots, next: updateOf(optimizer), moved },
    followers: Object.fromEntries(followers),
  }
}
