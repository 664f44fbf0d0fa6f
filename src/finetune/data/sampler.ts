import { createRandom, shuffled } from '../../shared/index.ts'
import type { Pair } from './pairs.ts'

export interface SamplerOptions {
  readonly batchSize: number
  readonly seed: number
  readonly epoch: number
}

/**
 * The batches of an epoch as positions in `pairs`: shuffled by seed and epoch, no text twice in a batch (a text would else be its own wrong answer). Pairs
 * that do not fit a batch go to a later one; a last batch of fewer than two pairs, which has nothing to tell apart, is left out.
 */
export function sampleBatches(pairs: readonly Pair[], { batchSize, seed, epoch }: SamplerOptions): number[][] {
  const order = shuffled([...pairs.keys()], createRandom(seed * 1_000_003 + epoch))
  const batches: number[][] = []
  let postponed: number[] = []
  let next = 0
  while (next < order.length || postponed.length > 0) {
    const batch: number[] = []
    const texts = new Set<string>()
    const later: number[] = []
    const offer = (position: number) => {
      const own = textsOf(pairs[position])
      if (batch.length === batchSize || own.some((text) => texts.has(text))) return void later.push(position)
      for (const text of own) texts.add(text)
      batch.push(position)
    }
    for (const position of postponed) offer(position)
    while (batch.length < batchSize && next < order.length) offer(order[next++] ?? 0)
    postponed = later
    if (batch.length > 1) batches.push(batch)
  }
  return batches
}

function textsOf(pair: Pair | undefined): string[] {
  return pair ? [...new Set([pair.anchor, pair.positive, ...(pair.negatives ?? [])])] : []
}
