import { fileURLToPath } from 'node:url'
import { locateModel, readTransformer, textProcessorOf } from '../../src/embed/index.ts'
import { collate, cutBySize, cutInGroups } from '../../src/finetune/data/collate.ts'
import type { Pair } from '../../src/finetune/data/pairs.ts'
import { recipeOf, slotName } from '../../src/finetune/engine/recipe.ts'
import { createState } from '../../src/finetune/engine/state.ts'
import { createBatchGradients } from '../../src/finetune/engine/ways/batch-gradients.ts'
import { type Gradients, globalNorm, type ParameterGradient } from '../../src/finetune/engine/ways/gradients.ts'
import { clippingOf, createHostUpdate } from '../../src/finetune/engine/ways/host-update.ts'
import { infoNce } from '../../src/finetune/losses/info-nce.ts'
import type { Loss } from '../../src/finetune/losses/loss.ts'
import { adamW } from '../../src/finetune/optimizer/adamw.ts'
import { readTower } from '../../src/finetune/tower/read-tower.ts'

export const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** Everything between a model folder and the gradients of a batch. */
export async function openTraining(
  folder: string,
  { loss = infoNce(), threads = 2, dropout = 0 }: { loss?: Loss; threads?: number; dropout?: number } = {},
) {
  const files = await readTransformer(await locateModel(folder), { dtype: 'fp32' })
  const processor = textProcessorOf(files)
  const tower = await readTower(files, { processor, dropout })
  const optimizer = adamW()
  const recipe = recipeOf(tower, { loss, optimizer })
  const state = createState(recipe)
  const source = createBatchGradients({ recipe, state, processor, device: 'cpu', threads })
  const update = createHostUpdate(recipe, state)
  const parameters = new Map(
    [...state.weights].map(([name, { dims, data }]) => {
      const slots = optimizer.slots.map((slot) => state.slots.get(slotName(slot, name))?.data ?? new Float32Array())
      return [name, { name, dims, weights: data, slots }]
    }),
  )
  return {
    files,
    processor,
    tower,
    optimizer,
    recipe,
    state,
    /** Views of the state: each weight with its slots. */
    parameters,
    oneShot: async (pairs: readonly Pair[], groups = 2, seed = 0) =>
      source.atOnce(await collate(pairs, processor, cutInGroups(groups)), seed),
    chunked: async (pairs: readonly Pair[], texts: number, seed = 0) =>
      source.inChunks(await collate(pairs, processor, cutBySize({ texts, tokens: Number.POSITIVE_INFINITY })), seed),
    /** Clips to a norm of 1 and moves the weights; gives the norm before. */
    move(gradients: Gradients, { rate, step, batches = 1 }: { rate: number; step: number; batches?: number }): number {
      const norm = globalNorm(gradients) / batches
      update.apply(gradients, { rate, weightDecay: 0.1, step, scale: clippingOf(norm, 1) / batches })
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
