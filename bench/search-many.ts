/**
 * `searchMany` with 500 vectors over 1,495 documents against all comparisons in plain JavaScript, in turn in one process; encoding is outside
 * both clocks. Prints the ratio of each round and its range.
 *
 *     npm run bench:search-many              7 rounds
 *     npm run bench:search-many -- 20 3000   rounds, documents
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { loadEncoder, openIndex } from '../src/main.ts'
import { dot } from '../src/shared/index.ts'
import { retrievalSets } from './support/retrieval-sets.ts'
import { machine, median } from './support/sides.ts'

const [rounds = 7, most = 1_495] = process.argv.slice(2).map(Number)
const queryCount = 500
const limit = 10

const set = await retrievalSets['medquad']!()
const documents = set.documents.slice(0, most)
await using encoder = await loadEncoder()
await using index = await openIndex({
  name: 'many',
  encoder,
  path: await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')),
})
await index.add(documents, { chunk: false })
const vectors = await encoder.encode(documents.map(({ title, text }) => `${title}\n${text}`))
const queries = await encoder.encode(
  set.queries.slice(0, queryCount).map(({ text }) => text),
  { purpose: 'query' },
)
const asked = Array.from({ length: queryCount }, (_, i) => ({ vector: queries.row(i) }))

function plain(): { id: string; score: number }[][] {
  return asked.map(({ vector }) =>
    documents
      .map(({ id }, row) => ({ id, score: dot(vector, vectors.row(row)) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, limit),
  )
}

async function timed<T>(work: () => T | Promise<T>): Promise<{ result: T; seconds: number }> {
  const start = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - start) / 1_000 }
}

const ratios: number[] = []
for (let round = 0; round <= rounds; round++) {
  const ours = await timed(() => index.searchMany(asked, { mode: 'dense', limit }))
  const theirs = await timed(plain)
  const same = ours.result.filter(
    (hits, i) => hits[0]?.score.toFixed(4) === theirs.result[i]?.[0]?.score.toFixed(4),
  ).length
  if (round === 0) continue // both warm up
  ratios.push(ours.seconds / theirs.seconds)
  console.log(
    `round ${round}: searchMany ${ours.seconds.toFixed(3)} s, plain JavaScript ${theirs.seconds.toFixed(3)} s, ratio ${(ours.seconds / theirs.seconds).toFixed(2)}, the same best score in ${same} of ${queryCount}`,
  )
}
console.log(
  `${documents.length} documents, ${queryCount} queries, ${machine()}: ratio ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
)
