import { execFile, spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test, vi } from 'vitest'
import { sharedPath } from '../support/shared.ts'
import { temporaryFolder } from '../support/temporary.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
let folder: string

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(...args: string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], { cwd: folder })
    return { code: 0, stdout, stderr }
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error) {
      return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) }
    }
    throw error
  }
}

beforeAll(async () => {
  folder = await temporaryFolder()
  await mkdir(path.join(folder, 'docs'))
  await writeFile(
    path.join(folder, 'docs/asthma.md'),
    '# Asthma\n\nA disease of the lungs.\n\n## Treatment\n\nAsthma is treated with inhalers.\n',
  )
  await writeFile(path.join(folder, 'docs/ticks.txt'), 'Ticks transmit Lyme disease.')
  await writeFile(
    path.join(folder, 'docs/faq.jsonl'),
    '{"id":"iron","text":"Too much iron in the blood.","source":"NHLBI"}\n{broken\n',
  )
})

test('the whole way: index, search, list, prune', async () => {
  const first = await run('index', 'docs', '--json')
  expect(first.code).toBe(3) // one line of the JSONL file is broken
  expect(JSON.parse(first.stdout)).toMatchObject({ added: 3, failedCount: 1, failed: [{ id: 'docs/faq.jsonl:2' }] })

  const again = await run('index', 'docs')
  expect(again.stdout).toContain('0 added, 0 updated, 3 unchanged')
  expect(again.stderr).toContain('left out: docs/faq.jsonl:2')

  const found = await run('search', 'inhalers', '--limit', '2', '--json')
  expect(found.code).toBe(0)
  const [hit] = JSON.parse(found.stdout)
  expect(hit).toMatchObject({
    id: expect.stringMatching(/^docs~[0-9a-f]{6}\/asthma\.md$/),
    title: 'Asthma',
    heading: 'Asthma › Treatment',
    line: 5,
  })

  const printed = await run('search', 'inhalers', 'lyme')
  expect(printed.stdout).toContain('» lyme')
  expect(printed.stdout).toContain('docs/asthma.md:5 · Asthma › Treatment')

  const filtered = await run('search', 'disease', '--filter', '{"source":"NHLBI"}', '--mode', 'dense', '--json')
  expect(JSON.parse(filtered.stdout).map(({ id }: { id: string }) => id)).toEqual([
    expect.stringMatching(/^docs~[0-9a-f]{6}\/faq\.jsonl#iron$/),
  ])

  const indexes = await run('indexes', '--json')
  expect(JSON.parse(indexes.stdout)).toMatchObject([{ name: 'documents', documents: 3 }])
  expect((await run('indexes')).stdout).toMatch(/documents {2}3 documents, 4 chunks/)

  await rm(path.join(folder, 'docs/ticks.txt'))
  const pruned = await run('index', 'docs', '--prune', '--json')
  expect(JSON.parse(pruned.stdout)).toMatchObject({ unchanged: 2, pruned: 1 })
  expect((await run('index', 'docs/absent.txt', '--prune')).code).toBe(2)
  expect(JSON.parse((await run('indexes', '--json')).stdout)).toMatchObject([{ documents: 2 }])
})

test('embed prints its vectors', async () => {
  const { stdout } = await run('embed', '--json', 'a text', 'another')
  const { model, dimensions, embeddings } = JSON.parse(stdout)
  expect({ model, dimensions }).toEqual({ model: 'default', dimensions: 256 })
  expect(embeddings.map((row: number[]) => row.length)).toEqual([256, 256])
})

test('evaluate prints one line of metrics', async () => {
  await mkdir(path.join(folder, 'task/qrels'), { recursive: true })
  await writeFile(
    path.join(folder, 'task/corpus.jsonl'),
    '{"_id":"d1","title":"Asthma","text":"a lung disease"}\n{"_id":"d2","text":"ticks bite"}\n',
  )
  await writeFile(
    path.join(folder, 'task/queries.jsonl'),
    '{"_id":"q1","text":"lung"}\n{"_id":"q2","text":"tick bite"}\n{"_id":"q3","text":"not judged"}\n',
  )
  await writeFile(path.join(folder, 'task/qrels/test.tsv'), 'query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n')
  const { stdout } = await run('evaluate', '--task', 'retrieval', '--data', 'task', '--json')
  expect(JSON.parse(stdout)).toEqual({ 'ndcg@10': 1, 'mrr@10': 1, 'recall@10': 1, 'recall@100': 1, 'map@100': 1 })
  expect(stdout.trim().split('\n')).toHaveLength(1)
})

test('evaluate asks an index that is there, and tells what it measured', async () => {
  const told = await run('evaluate', '--data', 'task', '--mode', 'bm25', '--measures', 'precision@1', '--json')
  expect(JSON.parse(told.stdout)).toEqual({ 'precision@1': 1 })
  expect(told.stderr).toContain('mode bm25: 2 queries, 2 documents in 2 chunks')
  await run('index', 'task/corpus.jsonl', '--index', 'judged')
  const asked = await run('evaluate', '--data', 'task', '--index', 'judged', '--measures', 'mrr@10', '--json')
  expect(asked).toMatchObject({ code: 0, stdout: '{"mrr@10":1}\n' })
  expect(asked.stderr).toContain('mode hybrid: 2 queries, 2 documents')
  expect((await run('evaluate', '--data', 'task', '--filter', '{"a":1}')).stderr).toContain(
    '--filter goes with --index',
  )
  expect((await run('evaluate', '--data', 'task', '--measures', 'p@5')).code).toBe(2)
  expect((await run('evaluate', '--data', 'task', '--index', 'absent')).code).toBe(4)
  const other = await run('evaluate', '--data', 'task', '--task', 'knn', '--min-score', '1')
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('--min-score does not go with --task knn') })
})

test.each([
  [['search', 'x', '--index', 'absent'], 4, 'index-not-found'],
  [['search', 'x', '--filter', '{"a":{"b":1}}'], 2, 'operator'],
  [['search', 'x', '--filter', 'no json'], 2, 'filter in JSON'],
  [['search', 'x', '--mode', 'fuzzy'], 2, 'Allowed choices'],
  [['search'], 2, 'missing required argument'],
  [['index', 'absent'], 2, 'matches no file'],
  [['index', 'docs', '--field', 'year'], 2, 'name:type'],
  [['index', 'docs', '--chunk-tokens', '0'], 2, 'whole number'],
  [['index', 'docs', '--shard', '17/16'], 2, 'NUMBER/OF'],
  [['reindex', '--index', 'absent', '--model', 'default'], 4, 'index-not-found'],
  [['reindex'], 2, '--model NAME'],
  [['reindex', '--rollback', '--drop-old'], 2, '--rollback goes with neither'],
  [['embed', 'x', '--model', './absent'], 4, 'model-not-found'],
  [['evaluate', '--data', 'absent'], 2, 'absent'],
  [['nonsense'], 2, 'unknown command'],
])('%j ends with %i and says why', async (args, code, words) => {
  const outcome = await run(...args)
  expect(outcome.code).toBe(code)
  expect(outcome.stderr).toContain(words)
  expect(outcome.stderr).not.toContain('    at ')
})

test('every command has help with an example', async () => {
  for (const command of ['index', 'search', 'reindex', 'copy', 'embed', 'indexes', 'evaluate']) {
    const { code, stdout } = await run(command, '--help')
    expect(code).toBe(0)
    expect(stdout).toContain(`  qontrast ${command} `)
  }
  expect((await run('--help')).stdout).toContain('Exit codes')
  expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+/)
})

test('Ctrl-C stops at a batch, says how to go on, and keeps what was stored', async () => {
  const lines = Array.from({ length: 40_000 }, (_, i) =>
    JSON.stringify({ id: `d${i}`, text: `Document number ${i} with some words in it.` }),
  )
  await writeFile(path.join(folder, 'many.jsonl'), lines.join('\n'))
  const child = spawn(process.execPath, [program, 'index', 'many.jsonl', '--index', 'many'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const stored = async () => {
    const indexes: { name: string; documents: number }[] = JSON.parse((await run('indexes', '--json')).stdout)
    expect(indexes.find(({ name }) => name === 'many')?.documents).toBeGreaterThan(0)
  }
  await vi.waitFor(stored, 50_000)
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  expect(stderr).toMatch(
    /Stopped: [\d,]+ documents are stored in 'many' \([\d,]+ added, 0 updated by this run\)\. Run the same command/,
  )
  expect(stderr).not.toContain('error:')
  const [many] = JSON.parse((await run('indexes', '--json')).stdout).filter(
    ({ name }: { name: string }) => name === 'many',
  )
  expect(many.documents).toBeGreaterThan(0)
  expect(many.documents).toBeLessThan(40_000)
})

test.runIf(sharedPath('models', 'all-minilm-l6-v2'))(
  'a model given by its folder is remembered by the index',
  async () => {
    const model = path.relative(folder, sharedPath('models', 'all-minilm-l6-v2') ?? '')
    expect((await run('index', 'docs/asthma.md', '--index', 'mini', '--model', model)).code).toBe(0)
    const found = await run('search', 'lungs', '--index', 'mini', '--json')
    expect(JSON.parse(found.stdout)[0].id).toMatch(/^docs~[0-9a-f]{6}\/asthma\.md$/)
    const other = await run('search', 'lungs', '--index', 'mini', '--model', 'default')
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('encoder-mismatch') })
  },
)
