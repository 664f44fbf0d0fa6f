import type { TrainingData } from '../../src/finetune/data/examples.ts'
import type { Method } from '../../src/finetune/methods/method.ts'
import type { TowerSource } from '../../src/finetune/methods/tower-source.ts'
import { infoNce, type Loss } from '../../src/main.ts'
import { combineSeeds, createRandom, QontrastError, shuffled } from '../../src/shared/index.ts'

/** Texts by themselves: each is an example with one column. */
export function textData(texts: readonly string[], { batchSize = 4, seed = 1 } = {}): TrainingData<undefined> {
  return {
    noun: 'text',
    size: texts.length,
    batchSize,
    report: undefined,
    notices: [],
    identity: { texts: texts.length, batchSize },
    example: (position) => ({ text: texts[position] ?? '' }),
    batches(epoch) {
      const order = shuffled([...texts.keys()], createRandom(combineSeeds(seed, epoch)))
      return Array.from({ length: Math.floor(order.length / batchSize) }, (_, i) =>
        order.slice(i * batchSize, (i + 1) * batchSize),
      )
    },
    unused: () => 'they fill no batch',
    noBatch: () => new QontrastError('invalid-input', 'There are too few texts for a batch.'),
  }
}

/** The same text twice, told apart by dropout alone (Gao et al. 2021, arXiv:2104.08821). */
export function simCse({ encoder, temperature = 0.05 }: { encoder: TowerSource; temperature?: number }): Method {
  const through = ['encoder'] as const
  return {
    name: 'simcse',
    settings: { temperature },
    views: { first: { of: 'text' }, second: { of: 'text' } },
    towers: { encoder },
    embeddings: { anchor: { view: 'first', through }, positive: { view: 'second', through } },
    loss: infoNce({ temperature }),
    result: 'encoder',
  }
}

/** 2 − 2 cosine to what the followers make of the other view, both ways (Grill et al. 2020, arXiv:2006.07733); words are left out by chance. */
export function byol(towers: { encoder: TowerSource; projection: TowerSource; prediction: TowerSource }): Method {
  const online = ['encoder', 'projection', 'prediction'] as const
  const target = ['slowEncoder', 'slowProjection'] as const
  const augment = {
    name: 'leave words out',
    settings: { share: 0.2 },
    apply: (input: unknown, random: () => number) =>
      String(input)
        .split(' ')
        .filter((_, i) => i === 0 || random() > 0.2)
        .join(' '),
  }
  return {
    name: 'byol',
    settings: {},
    views: { a: { of: 'text', augment }, b: { of: 'text', augment } },
    towers: {
      ...towers,
      slowEncoder: { follows: 'encoder', momentum: { from: 0.9, to: 1 } },
      slowProjection: { follows: 'projection', momentum: 0.9 },
    },
    embeddings: {
      onlineA: { view: 'a', through: online },
      onlineB: { view: 'b', through: online },
      targetA: { view: 'a', through: target, stop: true },
      targetB: { view: 'b', through: target, stop: true },
    },
    loss: regression,
    result: 'encoder',
  }
}

const regression: Loss = {
  name: 'byol-regression',
  settings: { symmetric: true },
  build(g, { embeddings: { onlineA = '', onlineB = '', targetA = '', targetB = '' } }) {
    const unit = (rows: string) => g.op('Div', [rows, g.op('ReduceL2', [rows, g.ints([1])], { keepdims: 1 })])
    const cosine = (one: string, other: string) => {
      const product = g.op('ReduceSum', [g.op('Mul', [unit(one), unit(other)]), g.ints([1])], { keepdims: 0 })
      return g.op('ReduceMean', [product, g.ints([0])], { keepdims: 0 })
    }
    const both = g.op('Add', [cosine(onlineA, targetB), cosine(onlineB, targetA)])
    return { loss: g.op('Sub', [g.scalar(4), g.op('Mul', [g.scalar(2), both])]) }
  },
}
