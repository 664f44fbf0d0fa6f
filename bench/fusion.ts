/**
 * How good each way of fusing is, on short and long queries, through an index: nDCG@10, and in brackets the 95 % interval of its difference to
 * BM25 alone (bootstrap over the queries, 2,000 draws).
 *
 *     npm run bench:fusion                           the bundled encoder, all sets
 *     npm run bench:fusion -- minilm 200             MiniLM, 200 documents beside those that queries need (and 100 queries of MedQuAD)
 *     npm run bench:fusion -- default all scifact    one set
 *     QDRANT_URL=http://localhost:6333 npm run bench:fusion     on Qdrant
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ndcgAt } from '../src/evaluate/metrics.ts'
import { lancedb, loadEncoder, openIndex, qdrant, type SearchIndex, type SearchOptions } from '../src/main.ts'
import { createRandom, shuffled } from '../src/shared/index.ts'
import { sharedPath } from './support/data.ts'
import { findsItself, type RetrievalSet, retrievalSets } from './support/retrieval-sets.ts'

const [model = 'default', most = 'all', ...names] = process.argv.slice(2)
const ways: Readonly<Record<string, SearchOptions>> = {
  dense: { mode: 'dense' },
  bm25: { mode: 'bm25' },
  rrf: { mode: 'hybrid', fusion: 'rrf' },
  scores: { mode: 'hybrid', fusion: 'scores' },
}
const draws = 2_000
const fewQueries = 100

await using encoder = await loadEncoder(model === 'minilm' ? sharedPath('models', 'all-minilm-l6-v2') : model, {
  device: 'cpu',
})
const url = process.env['QDRANT_URL']
await using store = url ? qdrant({ url }) : lancedb({ path: await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')) })
console.log(`${encoder.name}, ${store.name.split(':')[0]}\n\n| set | queries | ${Object.keys(ways).join(' | ')} |`)
console.log(
  `|---|---|${Object.keys(ways)
    .map(() => '---|')
    .join('')}`,
)
for (const name of names.length > 0 ? names : Object.keys(retrievalSets)) {
  const set = fewer(await retrievalSets[name]!(), name)
  await using index = await openIndex({ name: `fusion-${name}`, encoder, store })
  await index.add(set.documents)
  const results = new Map<string, number[]>()
  for (const [way, options] of Object.entries(ways)) results.set(way, await qualities(index, set, { name, options }))
  const cells = [...results].map(
    ([way, values]) =>
      `${mean(values).toFixed(4)}${way === 'bm25' ? '' : ` ${interval(values, results.get('bm25') ?? [])}`}`,
  )
  console.log(`| ${name} | ${set.queries.length} | ${cells.join(' | ')} |`)
  await index.drop()
}

/** nDCG@10 of each query. */
async function qualities(
  index: SearchIndex,
  { queries, relevant }: RetrievalSet,
  { name, options }: { name: string; options: SearchOptions },
): Promise<number[]> {
  const ndcg = ndcgAt(10)
  const lists = await index.searchMany(
    queries.map(({ text }) => text),
    { ...options, limit: 11 },
  )
  return queries.map(({ id }, i) => {
    const found = (lists[i] ?? []).map((hit) => hit.id).filter((other) => !(findsItself(name) && other === id))
    return ndcg(found, relevant.get(id) ?? new Map())
  })
}

/** A part of a set, where an encoder is slow: what queries need, and some others. */
function fewer(set: RetrievalSet, name: string): RetrievalSet {
  if (most === 'all') return set
  const random = createRandom(5)
  const queries = name === 'medquad' ? shuffled([...set.queries], random).slice(0, fewQueries) : set.queries
  const needed = new Set(queries.flatMap(({ id }) => [id, ...(set.relevant.get(id)?.keys() ?? [])]))
  const others = shuffled(
    set.documents.filter(({ id }) => !needed.has(id)),
    random,
  )
  return {
    ...set,
    queries,
    documents: [...set.documents.filter(({ id }) => needed.has(id)), ...others.slice(0, Number(most))],
  }
}

function interval(values: readonly number[], baseline: readonly number[]): string {
  const random = createRandom(1)
  const differences = values.map((value, i) => value - (baseline[i] ?? 0))
  const means = Array.from({ length: draws }, () =>
    mean(differences.map(() => differences[Math.floor(random() * differences.length)] ?? 0)),
  ).sort((a, b) => a - b)
  const bound = (share: number) => (means[Math.floor(share * draws)] ?? 0).toFixed(3)
  return `[${bound(0.025)}, ${bound(0.975)}]`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
