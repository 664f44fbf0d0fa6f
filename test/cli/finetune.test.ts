import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures } from '../support/training.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
const model = path.join(fixtures, 'models', 'bert-tracing')
let folder: string

const run = (...args: string[]) => promisify(execFile)(process.execPath, [program, ...args], { cwd: folder })
const lines = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

const questions = ['hello world', 'quick brown fox', 'lazy dog', 'one two three', 'four five six', 'seven eight nine']
const answers = [
  'the world says hello',
  'a fox jumps over',
  'the dog is lazy',
  'three two one',
  'six five four',
  'nine eight seven',
]

beforeAll(async () => {
  folder = await temporaryFolder()
  await mkdir(path.join(folder, 'task', 'qrels'), { recursive: true })
  await writeFile(
    path.join(folder, 'pairs.csv'),
    `query,pos\n${questions.map((question, i) => `${question},${answers[i]}`).join('\n')}\n`,
  )
  await writeFile(path.join(folder, 'task', 'corpus.jsonl'), lines(answers.map((text, i) => ({ _id: `d${i}`, text }))))
  await writeFile(
    path.join(folder, 'task', 'queries.jsonl'),
    lines(questions.map((text, i) => ({ _id: `q${i}`, text }))),
  )
  await writeFile(
    path.join(folder, 'task', 'qrels', 'test.tsv'),
    `query-id\tcorpus-id\tscore\n${questions.map((_, i) => `q${i}\td${i}\t1`).join('\n')}\n`,
  )
  await writeFile(path.join(folder, 'answers.jsonl'), lines(answers.map((text, i) => ({ id: `d${i}`, text }))))
})

test('a file of pairs becomes a model that is measured, indexed and searched with', async () => {
  const trained = await run(
    'finetune',
    '--model',
    model,
    '--pairs',
    'pairs.csv',
    '--out',
    'tuned',
    '--epochs',
    '8',
    '--batch-size',
    '6',
    '--learning-rate',
    '1e-3',
    '--evaluate',
    'task',
  )
  expect(trained.stdout).toMatch(
    /^used 6 of 6 pairs, in batches of 6\n8 steps, 0\.0 M weights, on cpu\nbefore: ndcg@10 0\.\d+/,
  )
  expect(trained.stdout).toMatch(
    /step 8: ndcg@10 .*\nTrained in \d+ s, 8 steps, too few to change it much\. The model is in tuned.*: use it as --model tuned\n$/,
  )
  const measure = async (name: string): Promise<number> => {
    const { stdout } = await run('evaluate', '--model', name, '--mode', 'dense', '--data', 'task', '--json')
    return JSON.parse(stdout)['ndcg@10']
  }
  expect(await measure('./tuned')).toBeGreaterThan(await measure(model))
  await run('index', 'answers.jsonl', '--model', './tuned', '--index', 'tuned')
  const { stdout } = await run('search', 'lazy dog', '--index', 'tuned', '--mode', 'dense', '--json')
  expect(JSON.stringify(JSON.parse(stdout))).toContain('the dog is lazy')
})

test('labels choose the pairs, and similarity is measured by its own data', async () => {
  const rows = questions.map((question, i) => `${question}\t${answers[i]}\t${i % 2}`).join('\n')
  await writeFile(path.join(folder, 'labelled.tsv'), `sentence1\tsentence2\tlabel\n${rows}\n`)
  const args = ['finetune', '--model', model, '--pairs', 'labelled.tsv', '--out', 'labelled']
  await expect(run(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--where label=1') })
  await expect(run(...args, '--where', 'label~1')).rejects.toMatchObject({ code: 2 })
  await expect(run(...args, '--columns', 'first=a')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('anchor, positive, negative, ignore'),
  })
  await writeFile(path.join(folder, 'sts.tsv'), 'sentence1\tsentence2\tscore\nhello\tworld\t5\nlazy\tone\t0\n')
  const chosen = await run(...args, '--where', 'label=1', '--evaluate', 'sts.tsv', '--json')
  const events = chosen.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events[0]).toMatchObject({
    type: 'run-start',
    examples: 3,
    data: { rows: 6, pairs: 3, leftOut: [{ reason: 'not label = 1.', rows: 3, lines: [2, 4, 6] }] },
  })
  expect(events[1]).toMatchObject({ type: 'evaluate-end', metric: 'spearman', step: 0 })
})

test('--help shows examples; wrong use says what is wanted', async () => {
  const { stdout } = await run('finetune', '--help')
  for (const flag of [
    '--epochs',
    '--batch-size',
    '--learning-rate',
    '--warmup',
    '--temperature',
    '--max-tokens',
    '--cache-chunk',
    '--device',
    '--seed',
    '--resume',
    '--evaluate',
  ])
    expect(stdout).toContain(flag)
  expect(stdout).toContain('qontrast finetune --model ./all-MiniLM-L6-v2 --pairs pairs.jsonl --out ./tuned')
  await expect(run('finetune', '--model', model, '--pairs', 'pairs.csv')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--out'),
  })
  await expect(run('finetune', '--model', model, '--pairs', 'absent.csv', '--out', 'x')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('file-unreadable'),
  })
  await expect(
    run('finetune', '--model', model, '--pairs', 'pairs.csv', '--out', 'x', '--learning-rate', 'fast'),
  ).rejects.toMatchObject({ code: 2 })
})
