/**
 * Fine-tunes an encoder on pairs of texts, with progress, and opens the result. With a model of your own:
 *
 *     node examples/finetune.ts ./all-MiniLM-L6-v2
 *
 * Without one, a tiny model with random weights is trained (the one the tests use): enough to see how it goes, not to search with.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { finetune, loadEncoder, type Pair } from 'qontrast'

const model = process.argv[2] ?? fileURLToPath(new URL('../test/fixtures/models/bert-tracing', import.meta.url))
const out = await mkdtemp(path.join(tmpdir(), 'qontrast-tuned-'))

const pairs: Pair[] = [
  {
    anchor: 'how is asthma treated?',
    positive: 'Asthma is treated with inhalers.',
    negatives: ['Asthma is a disease of the lungs.'],
  },
  {
    anchor: 'what to do about a tick?',
    positive: 'Remove it with tweezers and watch for a rash.',
    negatives: ['Ticks live in high grass.'],
  },
  {
    anchor: 'is iron inherited?',
    positive: 'Hemochromatosis, too much iron, runs in families.',
    negatives: ['Iron is a mineral.'],
  },
  {
    anchor: 'who gets migraine?',
    positive: 'Women have migraine more often than men.',
    negatives: ['Migraine is a kind of headache.'],
  },
]

for await (const event of finetune({ model, pairs, out, epochs: 10, batchSize: 4, learningRate: 5e-4 })) {
  if (event.type === 'step-end') console.log(`step ${event.step}/${event.steps}  loss ${event.loss.toFixed(4)}`)
  if (event.type === 'run-end') console.log(`trained in ${event.seconds.toFixed(1)} s`)
}

const encoder = await loadEncoder(out)
const vectors = await encoder.encode(['asthma'], { purpose: 'query' })
console.log(`the trained encoder gives ${vectors.columns} dimensions`)

await encoder.close()
