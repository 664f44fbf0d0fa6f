/**
 * How good search is on SciFact (BEIR: 5,183 abstracts, 300 claims) in each mode, through an index, and what the vector index loses.
 *
 *     npm run bench:retrieval                 the bundled encoder and MiniLM
 *     npm run bench:retrieval -- default      one of them; any folder or hub name
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readDocuments } from '../src/documents/index.ts'
import { readRetrievalData } from '../src/evaluate/index.ts'
import {
  type ChunkSettings,
  loadEncoder,
  openIndex,
  type SearchMode,
  type SearchOptions,
  scoreRankings,
} from '../src/main.ts'
import { sharedPath } from './support/data.ts'
import { machine } from './support/sides.ts'

const folder = sharedPath('data', 'scifact')
const models = process.argv.length > 2 ? process.argv.slice(2) : ['default', sharedPath('models', 'all-minilm-l6-v2')]
const settings: Readonly<Record<string, ChunkSettings | false>> = { chunked: {}, whole: false }
const modes: readonly SearchMode[] = ['dense', 'bm25', 'hybrid']

const { queries, relevance } = await readRetrievalData(folder)
console.log(`SciFact test, ${queries.size} queries · ${machine()}\n`)
console.log('| encoder | texts | mode | nDCG@10 | MRR@10 | recall@100 | ms/query |\n|---|---|---|---|---|---|---|')

for (const model of models) {
  await using encoder = await loadEncoder(model, { device: 'cpu' })
  for (const [name, chunk] of Object.entries(settings)) {
    await using index = await openIndex({
      name: 'scifact',
      encoder,
      path: await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')),
    })
    await index.add(readDocuments(path.join(folder, 'corpus.jsonl'), { globalIds: true }), { chunk })
    const rank = async (options: SearchOptions) => {
      const start = performance.now()
      const lists = await index.searchMany([...queries.values()], { limit: 100, ...options })
      const rankings = new Map([...queries.keys()].map((query, i) => [query, (lists[i] ?? []).map(({ id }) => id)]))
      return { rankings, milliseconds: (performance.now() - start) / queries.size }
    }
    for (const mode of modes) {
      const { rankings, milliseconds } = await rank({ mode })
      const scores = scoreRankings(rankings, relevance, { keepOwnIds: true }) // as a question and its answer may have one id
      console.log(
        `| ${path.basename(model)} | ${name} | ${mode} | ${scores['ndcg@10'].toFixed(4)} | ${scores['mrr@10'].toFixed(4)} | ${scores['recall@100'].toFixed(4)} | ${milliseconds.toFixed(1)} |`,
      )
    }
    const exact = await rank({ mode: 'dense', exact: true })
    const indexed = await rank({ mode: 'dense' })
    const kept = [...exact.rankings].map(
      ([query, ids]) =>
        ids.slice(0, 10).filter((id) => indexed.rankings.get(query)?.slice(0, 10).includes(id)).length / 10,
    )
    console.log(
      `| ${path.basename(model)} | ${name} | recall@10 of the vector index against exact search: ${(kept.reduce((sum, share) => sum + share, 0) / kept.length).toFixed(4)} | | | | |`,
    )
  }
}
