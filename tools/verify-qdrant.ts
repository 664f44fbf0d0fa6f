/**
 * What CI plays from recordings, on a real Qdrant; then 21 kills, a cluster of three nodes, and words on SciFact against the embedded store.
 * Needs `qdrant` on PATH. Appends commit, machine, the server's version and figures to docs/verification.md.
 *
 *     npm run verify:qdrant                 all of it
 *     npm run verify:qdrant -- adding       one part: suite, adding, deleting, reindexing, cluster, words
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFile, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { sharedPath } from '../bench/support/data.ts'
import { machine } from '../bench/support/sides.ts'
import { readRetrievalData } from '../src/evaluate/index.ts'
import { lancedb, loadEncoder, openIndex, qdrant, readDocuments, scoreRankings, type VectorStore } from '../src/main.ts'
import { qdrantProgram, startQdrant } from '../test/support/qdrant-server.ts'

interface Row {
  readonly what: string
  readonly figures: string
  readonly passed: boolean
}

const program = qdrantProgram()
if (program === undefined) {
  console.log('skipped: no qdrant on PATH')
  process.exit(0)
}
const killsOfEach = 7
const tolerance = 0.02
const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-verify-'))

const parts: Readonly<Record<string, () => Promise<Row>>> = {
  suite: () =>
    runTests('the store suite, errors, collections of others, both stores side by side', ['test/index/stores']),
  adding: () => runKills('adding'),
  deleting: () => runKills('deleting'),
  reindexing: () => runKills('re-indexing'),
  cluster: () => runTests('three nodes on one machine, one of them killed', ['test/faults/qdrant-cluster.test.ts']),
  words: compareWords,
}

const asked = process.argv[2]
const rows: Row[] = []
for (const [name, part] of Object.entries(parts)) {
  if (asked !== undefined && asked !== name) continue
  rows.push(await part())
  console.log(rows.at(-1))
}

const server = await startQdrant(program)
await server.close()
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const entry = [
  `\n## ${new Date().toISOString().slice(0, 10)}, commit ${commit}: Qdrant ${server.version}\n`,
  `\`npm run verify:qdrant${asked === undefined ? '' : ` -- ${asked}`}\`. ${machine()}.\n`,
  '| what | figures | passed |\n|---|---|---|',
  ...rows.map(({ what, figures, passed }) => `| ${what} | ${figures} | ${passed ? 'yes' : '**no**'} |`),
].join('\n')
await appendFile(new URL('../docs/verification.md', import.meta.url), `${entry}\n`)
console.log(entry)
if (!rows.every(({ passed }) => passed)) process.exitCode = 1

function runKills(during: string): Promise<Row> {
  return runTests(`a server killed in the middle of ${during}`, ['test/faults/qdrant-kills.test.ts', '-t', during])
}

async function runTests(what: string, args: readonly string[]): Promise<Row> {
  const report = path.join(folder, 'report.json')
  const { stdout } = spawnSync(
    'vitest',
    ['run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    {
      env: { ...process.env, QONTRAST_KILLS: String(killsOfEach) },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  console.log(stdout)
  const { numPassedTests, numTotalTests, numPendingTests } = z
    .object({ numPassedTests: z.number(), numTotalTests: z.number(), numPendingTests: z.number() })
    .parse(JSON.parse(await readFile(report, 'utf8')))
  const kills = /Qdrant was killed .*/.exec(stdout)?.[0]
  const run = numTotalTests - numPendingTests
  const figures = `${numPassedTests} of ${run} tests${kills ? `; ${kills}` : ''}`
  return { what, figures, passed: run > 0 && numPassedTests === run }
}

/** nDCG@10 of BM25 on SciFact, whole abstracts. */
async function compareWords(): Promise<Row> {
  const running = await startQdrant(program ?? '')
  const scores = [
    await scoreWords(lancedb({ path: path.join(folder, 'lancedb') })),
    await scoreWords(qdrant({ url: running.url })),
  ]
  await running.close()
  const [embedded = 0, served = 0] = scores
  return {
    what: 'SciFact nDCG@10 of mode bm25, LanceDB and Qdrant',
    figures: scores.map((score) => score.toFixed(4)).join(', '),
    passed: Math.abs(embedded - served) <= tolerance,
  }
}

async function scoreWords(given: VectorStore): Promise<number> {
  await using store = given
  await using encoder = await loadEncoder()
  await using index = await openIndex({ name: 'scifact', encoder, store })
  const data = sharedPath('data', 'scifact')
  await index.add(readDocuments(path.join(data, 'corpus.jsonl'), { globalIds: true }), { chunk: false })
  const { queries, relevance } = await readRetrievalData(data)
  const lists = await index.searchMany([...queries.values()], { mode: 'bm25', limit: 100 })
  const rankings = new Map([...queries.keys()].map((query, i) => [query, (lists[i] ?? []).map(({ id }) => id)]))
  return scoreRankings(rankings, relevance)['ndcg@10']
}
