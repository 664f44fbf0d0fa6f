import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Evaluator } from '../../evaluate/index.ts'
import { serializeModel } from '../../graph/index.ts'
import type { TrainingData } from '../data/examples.ts'
import type { Method } from '../methods/method.ts'
import type { OpenTowers } from './follow-method.ts'
import { buildLossGraph } from './graphs/gradients.ts'
import type { Recipe } from './recipe.ts'
import type { TrainSettings } from './train-options.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * All that determines the weights that a run ends with, as it is kept in `config.json`: the settings, and what the data and the towers tell of themselves.
 * A file's name stands beside its hash, `pairs` beside `pairsSha256`: only the hash counts.
 */
export interface RunIdentity extends TrainSettings, Json {
  readonly method: Json
  readonly loss: Json
  readonly optimizer: Json
  /** What the best weights are chosen by, or `none`. */
  readonly metric: string
  /** Of the data of the evaluator, if it tells. */
  readonly metricSha256: string | null
  /** Numbers of epochs that the run was to have before it was resumed with more. */
  readonly earlierEpochs: readonly number[]
}

export interface IdentityOptions {
  readonly method: Method
  readonly opened: OpenTowers
  readonly data: Pick<TrainingData, 'identity'>
  readonly settings: TrainSettings
  readonly recipe: Recipe
  readonly evaluator: Evaluator | undefined
}

export function identityOf({ method, opened, data, settings, recipe, evaluator }: IdentityOptions): RunIdentity {
  const { loss, optimizer } = recipe
  const others = [...opened].filter(([name]) => name !== method.result).map(([name, { identity }]) => [name, identity])
  return {
    method: { name: method.name, ...method.settings },
    ...opened.get(method.result)?.identity,
    ...(others.length > 0 ? { towers: Object.fromEntries(others) } : {}),
    ...data.identity,
    ...settings,
    loss: { name: loss.name, ...(Object.keys(loss.settings).length > 0 ? loss.settings : { graph: graphOf(recipe) }) },
    optimizer: { name: optimizer.name, ...optimizer.settings },
    metric: evaluator ? `${evaluator.higherIsBetter ? 'highest' : 'lowest'} ${evaluator.primaryMetric}` : 'none',
    metricSha256: evaluator?.fingerprint?.() ?? null,
    earlierEpochs: [],
  }
}

/** A loss without settings is known by the graph that it builds where each example has one row of every embedding that it must have. */
function graphOf(recipe: Recipe): string {
  const embeddings = Object.fromEntries(Object.keys(recipe.embeddings).map((name) => [name, 'examples']))
  return createHash('sha256')
    .update(serializeModel(buildLossGraph(recipe, { passes: [], embeddings }).model))
    .digest('hex')
}

type Same = (then: unknown, now: unknown) => boolean

/** What may differ between a run and the one that resumes it: epochs may become more, and a run that was not measured may be. */
const rules: Readonly<Record<string, Same>> = {
  earlierEpochs: () => true,
  epochs: (then, now) => Number(then) <= Number(now),
  metric: (then, now) => then === 'none' || then === now,
  metricSha256: (then, now) => then === null || then === now,
}
const hash = 'Sha256'
const otherwise: Readonly<Record<string, string>> = {
  model: 'its files have changed',
  pairs: 'the texts have changed',
  metric: 'what it is measured on has changed',
}

/** What keeps a run from being resumed as another, each with its value then and now. */
export function differences(before: object, identity: RunIdentity): string[] {
  const then: Json = Object.fromEntries(Object.entries(before))
  const now: Json = Object.fromEntries(Object.entries(identity))
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])]
  const isName = (name: string) => `${name}${hash}` in now
  const rule = (name: string): Same => rules[name] ?? (isName(name) ? () => true : isDeepStrictEqual)
  const differing = names.filter((name) => !rule(name)(then[name], now[name]))
  const told = differing.flatMap((name) => {
    if (!name.endsWith(hash)) return partsOf(name, then[name], now[name])
    const of = name.slice(0, -hash.length)
    return isDeepStrictEqual(then[of], now[of])
      ? [`${of}: ${JSON.stringify(now[of])}, but ${otherwise[of] ?? 'it has changed'}`]
      : [said(of, then, now)]
  })
  return [...new Set(told)]
}

/** The parts of an object that differ, or the value itself: `loss.temperature: 0.05 then, 0.1 now`. */
function partsOf(name: string, then: unknown, now: unknown): string[] {
  if (!isObject(then) || !isObject(now)) return [said(name, { [name]: then }, { [name]: now })]
  const keys = [...new Set([...Object.keys(then), ...Object.keys(now)])]
  return keys.filter((key) => !isDeepStrictEqual(then[key], now[key])).map((key) => `${name}.${said(key, then, now)}`)
}

function said(name: string, then: Json, now: Json): string {
  return `${name}: ${JSON.stringify(then[name])} then, ${JSON.stringify(now[name])} now`
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
