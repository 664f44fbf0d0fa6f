import { fileURLToPath } from 'node:url'
import { locateModel, readTransformer, textProcessorOf } from '../../src/embed/index.ts'
import { collate, cutBySize, cutInGroups } from '../../src/finetune/data/collate.ts'
import type { Pair } from '../../src/finetune/data/pairs.ts'
import { createStepper } from '../../src/finetune/engine/step.ts'
import { tablesOf } from '../../src/finetune/engine/step-graph.ts'
import { infoNce } from '../../src/finetune/losses/info-nce.ts'
import type { Loss } from '../../src/finetune/losses/loss.ts'
import { adamW } from '../../src/finetune/optimizer/adamw.ts'
import { createParameters, type ParameterGradient } from '../../src/finetune/optimizer/parameters.ts'
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
  const parameters = createParameters(tower.parameters, optimizer, tablesOf(tower))
  const stepper = createStepper({ tower, processor, loss, parameters, device: 'cpu', threads })
  return {
    files,
    processor,
    tower,
    optimizer,
    parameters,
    stepper,
    oneShot: async (pairs: readonly Pair[], groups = 2, seed = 0) =>
      stepper.oneShot(await collate(pairs, processor, cutInGroups(groups)), seed),
    chunked: async (pairs: readonly Pair[], texts: number, seed = 0) =>
      stepper.chunked(await collate(pairs, processor, cutBySize({ texts, tokens: Number.POSITIVE_INFINITY })), seed),
    [Symbol.asyncDispose]: () => stepper.close(),
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
