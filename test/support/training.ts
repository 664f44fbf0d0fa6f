import { fileURLToPath } from 'node:url'
import { locateModel, readTransformer, textProcessorOf, textRecipeOf } from '../../src/embed/index.ts'
import type { Batch } from '../../src/finetune/data/batch.ts'
import { batchesOf } from '../../src/finetune/data/batch-maker.ts'
import type { CutRules } from '../../src/finetune/data/cut.ts'
import type { Pair } from '../../src/finetune/data/pairs.ts'
import { factsOf } from '../../src/finetune/engine/facts-of.ts'
import { inputsOf } from '../../src/finetune/engine/feed-steps.ts'
import { batchSetupOf, recipeOf } from '../../src/finetune/engine/follow-method.ts'
import { graphsOf } from '../../src/finetune/engine/graphs/source.ts'
import { cutRulesOf, sizeRuleOf } from '../../src/finetune/engine/memory.ts'
import { slotName } from '../../src/finetune/engine/recipe.ts'
import { createState } from '../../src/finetune/engine/state.ts'
import type { ReadyStep } from '../../src/finetune/engine/take-steps.ts'
import { createBatchGradients } from '../../src/finetune/engine/ways/batch-gradients.ts'
import { type Gradients, globalNorm, type ParameterGradient } from '../../src/finetune/engine/ways/gradients.ts'
import { clippingOf, createHostUpdate } from '../../src/finetune/engine/ways/host-update.ts'
import { infoNce } from '../../src/finetune/losses/info-nce.ts'
import type { Loss } from '../../src/finetune/losses/loss.ts'
import { learnFromPairs } from '../../src/finetune/methods/pairs.ts'
import { adamW } from '../../src/finetune/optimizer/adamw.ts'
import { readTower } from '../../src/finetune/tower/read-tower.ts'

export const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** Everything between a model folder and the gradients of a batch of pairs, on this thread. */
export async function openTraining(
  folder: string,
  { loss = infoNce(), threads = 2, dropout = 0 }: { loss?: Loss; threads?: number; dropout?: number } = {},
) {
  const files = await readTransformer(await locateModel(folder), { dtype: 'fp32' })
  const processor = textProcessorOf(files)
  const tower = await readTower(files, { processor, dropout })
  const optimizer = adamW()
  const open = { tower, processor: textRecipeOf(files), identity: {} }
  const method = learnFromPairs({ encoder: { open: async () => open }, loss })
  const opened = new Map([['encoder', open]])
  const recipe = recipeOf(method, opened, { optimizer, steps: 1 })
  const state = createState(recipe)
  const [facts, graphs] = [factsOf(recipe), graphsOf(recipe, state)]
  const source = createBatchGradients({ facts, graphs, state, device: 'cpu', threads })
  const update = createHostUpdate(facts, state)
  const parameters = new Map(
    [...state.weights].map(([name, { dims, data }]) => {
      const slots = optimizer.slots.map((slot) => state.slots.get(slotName(slot, name))?.data ?? new Float32Array())
      return [name, { name, dims, weights: data, slots }]
    }),
  )
  /** Pairs as a batch: as training cuts it, but for the rules given. */
  async function batchOf(pairs: readonly Pair[], rules: Partial<CutRules> = {}): Promise<Batch> {
    const cut = { ...cutRulesOf('host', null), ...rules }
    const make = await batchesOf(batchSetupOf(method, opened, { recipe, cut, size: () => sizeRuleOf('host', tower) }))
    const columns = pairs.map(({ anchor, positive, negatives = [] }) => ({ anchor, positive, negatives }))
    return make(await inputsOf(method, columns, 0))
  }
  return {
    files,
    processor,
    tower,
    optimizer,
    recipe,
    state,
    facts,
    graphs,
    /** Views of the state: each weight with its slots. */
    parameters,
    batchOf,
    async stepOf(step: number, parts: readonly (readonly Pair[])[], rules?: Partial<CutRules>): Promise<ReadyStep> {
      const batches = await Promise.all(parts.map((part) => batchOf(part, rules)))
      return { step, rate: 1e-3, momenta: {}, batches }
    },
    oneShot: async (pairs: readonly Pair[], groups = 2, seed = 0) =>
      source.atOnce(await batchOf(pairs, { groups }), seed),
    chunked: async (pairs: readonly Pair[], texts: number, seed = 0) =>
      source.inChunks(
        await batchOf(pairs, { chunkItems: texts, chunkCost: Number.POSITIVE_INFINITY, groups: 1 }),
        seed,
      ),
    /** Clips to a norm of 1 and moves the weights; gives the norm before. */
    move(gradients: Gradients, { rate, step, batches = 1 }: { rate: number; step: number; batches?: number }): number {
      const norm = globalNorm(gradients) / batches
      const scale = clippingOf(norm, 1) / batches
      update.apply(gradients, { rate, weightDecay: 0.1, step, scale, momenta: {} })
      return norm
    },
    [Symbol.asyncDispose]: () => source.close(),
  }
}

/** All of a gradient, rows of tables put in their places. */
export function whole(gradient: ParameterGradient | undefined, length: number): Float32Array {
  if (gradient?.kind !== 'rows') return gradient?.values ?? new Float32Array(length)
  const values = new Float32Array(length)
  for (const [row, part] of gradient.rows) values.set(part, row * part.length)
  return values
}

export function pairsOf(texts: readonly (readonly [string, string])[]): Pair[] {
  return texts.map(([anchor, positive]) => ({ anchor, positive }))
}

export function norm(values: ArrayLike<number>): number {
  return Math.sqrt(inner(values, values))
}

export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/** ‖a − b‖ / ‖b‖ */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const difference = Float64Array.from({ length: b.length }, (_, i) => (a[i] ?? 0) - (b[i] ?? 0))
  return norm(difference) / norm(b)
}
