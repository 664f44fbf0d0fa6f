import type { Loss } from '../losses/loss.ts'
import type { Method } from './method.ts'
import type { TowerSource } from './tower-source.ts'

/** Fine-tuning on pairs: texts that belong together, and texts that do not, all through one encoder. */
export function learnFromPairs({ encoder, loss }: { readonly encoder: TowerSource; readonly loss: Loss }): Method {
  const through = ['encoder'] as const
  return {
    name: 'pairs',
    settings: {},
    views: {
      anchor: { of: 'anchor', purpose: 'query' },
      positive: { of: 'positive', purpose: 'document' },
      negative: { of: 'negatives', purpose: 'document' },
    },
    towers: { encoder },
    embeddings: {
      anchor: { view: 'anchor', through },
      positive: { view: 'positive', through },
      negative: { view: 'negative', through },
    },
    loss,
    result: 'encoder',
  }
}
