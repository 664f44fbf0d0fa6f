/**
 * The long form of the tests: everything, ten kills, and the whole of every data set. Appends commit, machine and figures to docs/verification.md.
 *
 *     npm run verify
 */
import { execFileSync } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { sharedPath, wholeSciFact } from '../bench/support/data.ts'
import { machine } from '../bench/support/sides.ts'
import {
  knnEvaluator,
  loadEncoder,
  readLabelledData,
  readSimilarityData,
  retrievalEvaluator,
  similarityEvaluator,
} from '../src/main.ts'

const kills = '10'
execFileSync('vitest', ['run'], { stdio: 'inherit', env: { ...process.env, QONTRAST_KILLS: kills } })

/** Figures of sentence-transformers 6.2 on PyTorch for all-MiniLM-L6-v2, by the same definitions. */
const expected: Readonly<Record<string, number>> = {
  'STS-B spearman': 0.8203,
  'SciFact ndcg@10': 0.6451,
  'SciFact mrr@10': 0.6047,
  'SciFact recall@100': 0.925,
  'BANKING77 accuracy': 0.9247,
}
const tolerance = 0.001

await using encoder = await loadEncoder(sharedPath('models', 'all-minilm-l6-v2'), { device: 'cpu' })
const measured = new Map<string, number>()
const measure = async (name: string, metrics: Promise<Readonly<Record<string, number>>>) => {
  for (const [metric, value] of Object.entries(await metrics)) measured.set(`${name} ${metric}`, value)
}
await measure('STS-B', similarityEvaluator(await readSimilarityData(sharedPath('data', 'stsb')))(encoder))
await measure('BANKING77', knnEvaluator(await readLabelledData(sharedPath('data', 'banking77')))(encoder))
const whole = { mode: 'dense', chunk: false, exact: true } as const
await measure('SciFact', retrievalEvaluator(await wholeSciFact('test'), whole)(encoder))

const rows = Object.entries(expected).map(([name, reference]) => {
  const value = measured.get(name) ?? Number.NaN
  return { name, reference, value, passed: Math.abs(value - reference) <= tolerance }
})
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const entry = [
  `\n## ${new Date().toISOString().slice(0, 10)}, commit ${commit}\n`,
  `${machine()}. All tests passed, with ${kills} kills. all-MiniLM-L6-v2 fp32:\n`,
  '| figure | sentence-transformers 6.2 | here | within 0.001 |\n|---|---|---|---|',
  ...rows.map(
    ({ name, reference, value, passed }) =>
      `| ${name} | ${reference} | ${value.toFixed(4)} | ${passed ? 'yes' : '**no**'} |`,
  ),
].join('\n')
await appendFile(new URL('../docs/verification.md', import.meta.url), `${entry}\n`)
console.log(entry)
if (!rows.every(({ passed }) => passed)) process.exitCode = 1
