/**
 * MedQuAD: all-MiniLM-L6-v2 fine-tuned for about ten minutes on questions and answers about diseases that the held-out questions do not ask about, each with another answer
 * about the same disease as its negative, and what it does for the held-out questions: nDCG@10 of dense search before and after, with a 95 % interval of the difference (paired bootstrap over the questions, 10,000 draws).
 *
 *     npm run bench:medquad -- [PAIRS]
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { medQuadTask, readHeldOut, readMedQuad } from '../examples/medquad.ts'
import { ndcgAt } from '../src/evaluate/index.ts'
import { finetune, loadEncoder } from '../src/main.ts'
import { createRandom, dot, shuffled } from '../src/shared/index.ts'
import { machine } from './support/sides.ts'

const model = fileURLToPath(new URL('../../shared/models/all-minilm-l6-v2', import.meta.url))
const most = Number(process.argv[2] ?? 5_500)
const draws = 10_000

const task = await medQuadTask()
const heldOut = new Set((await readHeldOut()).focuses)
const known = (await readMedQuad()).filter(({ focus }) => !heldOut.has(focus))
const byFocus = Map.groupBy(known, ({ focus }) => focus)
const random = createRandom(42)
const textOf = ({ focus, answer }: { focus: string; answer: string }) => `${focus}\n${answer}`
const pairs = shuffled(known, random)
  .slice(0, most)
  .map((pair) => {
    const others = (byFocus.get(pair.focus) ?? []).filter(({ answer }) => answer !== pair.answer)
    const negative = others[Math.floor(random() * others.length)]
    return { anchor: pair.question, positive: textOf(pair), ...(negative ? { negatives: [textOf(negative)] } : {}) }
  })

/** nDCG@10 of each question. */
async function measure(place: string): Promise<number[]> {
  await using encoder = await loadEncoder(place, { device: 'cpu' })
  const corpus = await encoder.encode(task.documents.map(({ title, text }) => `${title}\n${text}`))
  const asked = await encoder.encode(
    task.queries.map(({ text }) => text),
    { purpose: 'query' },
  )
  const metric = ndcgAt(10)
  return task.queries.map(({ id }, row) => {
    const scores = task.documents.map((document, i) => ({ id: document.id, score: dot(corpus.row(i), asked.row(row)) }))
    const ranking = scores.sort((a, b) => b.score - a.score).slice(0, 10)
    return metric(
      ranking.map((one) => one.id),
      task.relevant.get(id) ?? new Map(),
    )
  })
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

console.log(
  `${task.documents.length} answers, ${task.queries.length} held-out questions, ${pairs.length} pairs · ${machine()}`,
)
const before = await measure(model)
console.log(`before: nDCG@10 ${mean(before).toFixed(4)}`)
const out = path.join(await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')), 'tuned')
let seconds = 0
for await (const event of finetune({ model, pairs, out, batchSize: 32, maxTokens: 128, device: 'cpu' })) {
  if (event.type === 'step-end' && event.step % 25 === 0)
    console.log(
      `step ${event.step}/${event.steps} loss ${event.loss.toFixed(3)} ${event.examplesPerSecond.toFixed(1)} pairs/s`,
    )
  if (event.type === 'run-end') seconds = event.seconds
}
const after = await measure(out)
const gains = after.map((value, i) => value - (before[i] ?? 0))
const draw = createRandom(1)
const means = Array.from({ length: draws }, () =>
  mean(gains.map(() => gains[Math.floor(draw() * gains.length)] ?? 0)),
).sort((a, b) => a - b)
const at = (share: number) => (means[Math.floor(share * draws)] ?? 0).toFixed(4)
console.log(
  `after ${(seconds / 60).toFixed(1)} minutes: nDCG@10 ${mean(after).toFixed(4)}; gain ${mean(gains).toFixed(4)}, 95 % interval ${at(0.025)} to ${at(0.975)}`,
)
