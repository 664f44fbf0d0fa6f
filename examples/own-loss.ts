/**
 * Fine-tunes with a loss of one's own, written as a graph: its gradients are derived from it. With a model of your own:
 *
 *     node examples/own-loss.ts ./all-MiniLM-L6-v2
 *
 * Without one, a tiny model with random weights is trained (the one the tests use).
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { finetune, type GraphBuilder, type Loss, type Pair, type ValueName } from 'qontrast'

/** Mean squared difference of each row of two embeddings `[pairs, dimensions]`: `[pairs, 1]`. */
function distance(g: GraphBuilder, a: ValueName, b: ValueName): ValueName {
  const difference = g.op('Sub', [a, b])
  return g.op('ReduceMean', [g.op('Mul', [difference, difference]), g.ints([1])])
}

/** A pair should be nearer to each other than the anchor is to the next pair's positive, by a margin (Weinberger and Saul 2009). */
function tripletMargin(margin: number): Loss {
  return {
    name: 'triplet-margin',
    settings: { margin },
    build(g, { embeddings: { anchor = '', positive = '' } }) {
      const rows = (from: number, to: number) => g.op('Slice', [positive, g.ints([from]), g.ints([to])])
      const next = g.op('Concat', [rows(1, 2 ** 31), rows(0, 1)], { axis: 0 })
      const nearer = g.op('Sub', [distance(g, anchor, positive), distance(g, anchor, next)])
      const missing = g.op('Max', [g.op('Add', [nearer, g.scalar(margin)]), g.scalar(0)])
      return { loss: g.op('ReduceMean', [missing], { keepdims: 0 }) }
    },
  }
}

const model = process.argv[2] ?? fileURLToPath(new URL('../test/fixtures/models/bert-tracing', import.meta.url))
const out = await mkdtemp(path.join(tmpdir(), 'qontrast-own-loss-'))
const pairs: Pair[] = [
  { anchor: 'how is asthma treated?', positive: 'Asthma is treated with inhalers.' },
  { anchor: 'what to do about a tick?', positive: 'Remove it with tweezers and watch for a rash.' },
  { anchor: 'is iron inherited?', positive: 'Hemochromatosis, too much iron, runs in families.' },
  { anchor: 'who gets migraine?', positive: 'Women have migraine more often than men.' },
]

const losses: number[] = []
const settings = { epochs: 20, batchSize: 4, learningRate: 5e-3, dropout: 0 }
for await (const event of finetune({ model, pairs, out, loss: tripletMargin(0.2), ...settings }))
  if (event.type === 'step-end') losses.push(event.loss)

const [before = 0, after = 0] = [losses[0], losses.at(-1)]
console.log(`loss ${before.toFixed(4)} → ${after.toFixed(4)}`)
if (!(after < before / 2)) throw new Error('the loss did not fall')
