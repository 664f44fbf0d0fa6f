import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { TransformerFiles } from '../../embed/index.ts'
import type { Evaluator } from '../../evaluate/index.ts'
import { serializeModel } from '../../graph/index.ts'
import type { Pair } from '../data/pairs.ts'
import type { RunSettings } from '../options.ts'
import type { Tower } from '../tower/tower.ts'
import { buildLossGraph } from './graphs/gradients.ts'
import type { Recipe } from './recipe.ts'

type Json = Readonly<Record<string, unknown>>

/** All that determines the weights that a run ends with, as it is kept in `config.json`. */
export interface RunIdentity extends RunSettings {
  readonly model: string
  /** Of the weights, the tokenizer and the settings: a model is the same under another name. */
  readonly modelSha256: string
  readonly pairs: number
  readonly pairsSha256: string
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
  readonly model: string
  readonly files: TransformerFiles
  readonly tower: Tower
  readonly pairs: readonly Pair[]
  readonly settings: RunSettings
  readonly recipe: Recipe
  readonly evaluator: Evaluator | undefined
}

export function identityOf(options: IdentityOptions): RunIdentity {
  const { model, files, tower, pairs, settings, recipe, evaluator } = options
  const { loss, optimizer } = recipe
  const read = JSON.stringify([files.settings, files.prompts, files.tokenizerFile])
  return {
    model,
    modelSha256: sha256([tower.identity(), read]),
    pairs: pairs.length,
    pairsSha256: sha256(linesOf(pairs)),
    ...settings,
    loss: { name: loss.name, ...(Object.keys(loss.settings).length > 0 ? loss.settings : { graph: graphOf(recipe) }) },
    optimizer: { name: optimizer.name, ...optimizer.settings },
    metric: evaluator ? `${evaluator.higherIsBetter ? 'highest' : 'lowest'} ${evaluator.primaryMetric}` : 'none',
    metricSha256: evaluator?.fingerprint?.() ?? null,
    earlierEpochs: [],
  }
}

/** A loss without settings is known by the graph that it builds. */
function graphOf(recipe: Recipe): string {
  const embeddings = { anchor: 'examples', positive: 'examples' }
  return sha256([serializeModel(buildLossGraph(recipe, { passes: [], embeddings }).model)])
}

type Same = (then: unknown, now: unknown) => boolean

/** What may differ between a run and the one that resumes it: epochs may become more, and a run that was not measured may be. */
const rules: Readonly<Record<string, Same>> = {
  model: () => true,
  pairs: () => true,
  earlierEpochs: () => true,
  epochs: (then, now) => Number(then) <= Number(now),
  metric: (then, now) => then === 'none' || then === now,
  metricSha256: (then, now) => then === null || then === now,
}
const sums: Readonly<Record<string, { readonly of: string; readonly otherwise: string }>> = {
  modelSha256: { of: 'model', otherwise: 'its files have changed' },
  pairsSha256: { of: 'pairs', otherwise: 'the texts have changed' },
  metricSha256: { of: 'metric', otherwise: 'what it is measured on has changed' },
}

/** What keeps a run from being resumed as another, each with its value then and now. */
export function differences(before: object, identity: RunIdentity): string[] {
  const then: Json = Object.fromEntries(Object.entries(before))
  const now: Json = Object.fromEntries(Object.entries(identity))
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])]
  const differing = names.filter((name) => !(rules[name] ?? isDeepStrictEqual)(then[name], now[name]))
  const told = differing.flatMap((name) => {
    const sum = sums[name]
    if (!sum) return partsOf(name, then[name], now[name])
    return isDeepStrictEqual(then[sum.of], now[sum.of])
      ? [`${sum.of}: ${JSON.stringify(now[sum.of])}, but ${sum.otherwise}`]
      : [said(sum.of, then, now)]
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

function* linesOf(pairs: readonly Pair[]): Generator<string> {
  for (const pair of pairs) yield `${JSON.stringify(pair)}\n`
}

function sha256(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
