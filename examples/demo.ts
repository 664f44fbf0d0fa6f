/**
 * The main job on real texts: index 16,407 medical answers with the bundled encoder, ask about them, and measure how good the answers are.
 *
 *     npm run demo
 */
import { styleText } from 'node:util'
import { createProgressLine, megabytes, number } from '../src/cli/progress-line.ts'
import { wrap } from '../src/cli/wrap.ts'
import {
  type Hit,
  isQontrastError,
  lancedb,
  loadEncoder,
  openIndex,
  type SearchMode,
  scoreRankings,
} from '../src/main.ts'
import { medQuadTask } from './medquad.ts'

const path = './qontrast-data'
const name = 'medquad'
const modes: readonly SearchMode[] = ['dense', 'bm25', 'hybrid']
const questions = [
  'How is asthma treated?',
  'my child was bitten by a tick, what should I look out for',
  'Can too much iron in the blood be inherited?',
]

const started = performance.now()
const seconds = (since: number) => (performance.now() - since) / 1000
const heading = (text: string) => console.log(`\n${styleText('bold', text)}`)

const task = await medQuadTask()
const encoder = await loadEncoder()
const store = lancedb({ path })
await store.drop(name).catch((error) => {
  if (!isQontrastError(error, 'index-not-found')) throw error // else there is none of a run before
})
const index = await openIndex({ name, encoder, store, fields: { source: 'keyword' } })

heading(
  `Indexing ${number(task.documents.length)} answers about diseases (MedQuAD, NIH), with the bundled encoder and the embedded store`,
)
const indexing = performance.now()
const line = createProgressLine()
const show = (documents: number) =>
  `  ${number(documents)} of ${number(task.documents.length)} documents · ${number(documents / seconds(indexing))}/s`
const report = await index.add(task.documents, { onProgress: ({ documents }) => line.update(show(documents)) })
line.done(show(task.documents.length))
const documentsPerSecond = task.documents.length / seconds(indexing)
const { bytes = 0, points } = await index.info()
console.log(
  `  ${number(report.added)} added as ${number(points)} chunks in ${number(seconds(indexing), 1)} s; ${megabytes(bytes)} on disk in ${path}`,
)

for (const question of questions) {
  heading(`» ${question}`)
  for (const hit of await index.search(question, { limit: 3 })) printHit(hit)
}

heading(`1,000 questions about diseases that no training saw; right are the answers given to the same question`)
console.log('  mode      nDCG@10   MRR@10   recall@100   ms/question')
for (const mode of modes) {
  const asked = performance.now()
  const rankings = new Map<string, string[]>()
  for (let start = 0; start < task.queries.length; start += 50) {
    const some = task.queries.slice(start, start + 50)
    const lists = await index.searchMany(
      some.map(({ text }) => text),
      { mode, limit: 100 },
    )
    for (const [i, hits] of lists.entries())
      rankings.set(
        some[i]?.id ?? '',
        hits.map(({ id }) => id),
      )
  }
  const scores = scoreRankings(rankings, task.relevant, { keepOwnIds: true }) // a question has the id of its answer
  const cells = [
    scores['ndcg@10'].toFixed(4).padStart(9),
    scores['mrr@10'].toFixed(4).padStart(9),
    scores['recall@100'].toFixed(4).padStart(13),
  ]
  console.log(
    `  ${mode.padEnd(8)}${cells.join('')}${((seconds(asked) * 1000) / task.queries.length).toFixed(1).padStart(14)}`,
  )
}

heading('Done')
console.log(`  ${number(documentsPerSecond)} documents/s indexed, ${megabytes(bytes)} on disk, ${number(seconds(started), 1)} s in all. Try next:

  npm run -s qontrast -- search --index ${name} "what causes migraine" --filter '{"source":"NINDS"}'
  npm run -s qontrast -- index ./docs README.md
  npm run -s qontrast -- search "why is LanceDB bundled"
  npm run -s qontrast -- index ./docs --index better --model Xenova/all-MiniLM-L6-v2`)

await index.close()
await store.close()
await encoder.close()

function printHit({ title, score, passage, payload }: Hit): void {
  console.log(
    `  ${score.toFixed(4)}  ${styleText('bold', title ?? '')}  ${styleText('dim', String(payload['source']))}`,
  )
  for (const text of wrap(passage, 96, 2)) console.log(`          ${text}`)
}
