import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Encoder,
  evaluateSearch,
  loadEncoder,
  openIndex,
  type RetrievalReport,
  readDocuments,
  retrievalEvaluator,
} from '../../../src/main.ts'
import { temporaryFolder } from '../../support/temporary.ts'

let encoder: Encoder
beforeAll(async () => {
  encoder = await loadEncoder()
})
afterAll(() => encoder.close())

const topics = {
  asthma: 'Asthma narrows the airways and is treated with inhalers.',
  ticks: 'Ticks bite in high grass and may carry borrelia.',
  iron: 'Too much iron in the blood is removed by drawing blood.',
}
const queries = new Map([
  ['q1', 'inhalers for asthma'],
  ['q2', 'bitten by ticks'],
])
const relevance = new Map([
  ['q1', new Map([['asthma', 1]])],
  ['q2', new Map([['ticks', 2]])],
])
const filler = 'The committee met on a Monday to talk about the budget of the library. '.repeat(60)

test('a corpus is searched as an index is: by chunks, in the mode of the encoder, or another', async () => {
  const documents = new Map(Object.entries(topics).map(([id, text]) => [id, { text: filler + text }]))
  let report: RetrievalReport | undefined
  const onReport = (given: RetrievalReport) => {
    report = given
  }
  const measures = ['mrr@1'] as const
  for (const [mode, shown] of [
    [undefined, 'hybrid'],
    ['dense', 'dense'],
    ['bm25', 'bm25'],
  ] as const) {
    const options = { measures, onReport, ...(mode ? { mode } : {}) }
    const evaluator = retrievalEvaluator({ documents, queries, relevance }, options)
    expect(evaluator.primaryMetric).toBe('mrr@1')
    expect(await evaluator(encoder)).toEqual({ 'mrr@1': 1 })
    expect(report).toMatchObject({ mode: shown, queries: 2, documents: 3, leftOut: 0 })
    expect(report?.chunks).toBeGreaterThan(6)
  }
  const cut = retrievalEvaluator({ documents, queries, relevance }, { mode: 'dense', onReport, chunk: false })
  await cut(encoder)
  expect(report?.chunks).toBe(3)
})

test('what is odd about the data is told', async () => {
  const documents = new Map([...Object.entries(topics), ['empty', ''], ['q2', topics.ticks]])
  let report: RetrievalReport | undefined
  const evaluator = retrievalEvaluator(
    {
      documents,
      queries: new Map([...queries, ['q4', 'unrelated'], ['q5', 'not judged']]),
      relevance: new Map([
        ...relevance,
        [
          'q2',
          new Map([
            ['q2', 1],
            ['ticks', 1],
            ['gone', 1],
          ]),
        ],
        ['q3', new Map([['iron', 1]])],
        ['q4', new Map([['iron', 0]])],
      ]),
    },
    {
      onReport: (given) => {
        report = given
      },
    },
  )
  const metrics = await evaluator(encoder)
  expect(report).toMatchObject({
    queries: 3,
    documents: 4,
    leftOut: 1,
    withoutRelevant: 1,
    unknownQueries: ['q3'],
    unknownDocuments: ['gone'],
    ownIds: 1,
  })
  expect(metrics['recall@10']).toBeCloseTo((1 + 1 / 3 + 0) / 3, 10) // q2's own document does not count
})

test('an index is measured as it is, its rows by their own ids', async () => {
  const folder = await temporaryFolder()
  await mkdir(path.join(folder, 'data'))
  const rows = Object.entries(topics).map(([id, text]) =>
    JSON.stringify({ id, text, source: id === 'ticks' ? 'b' : 'a' }),
  )
  await writeFile(path.join(folder, 'data/faq.jsonl'), rows.join('\n'))
  await writeFile(path.join(folder, 'data/guide.md'), '# Guide\n\nHow to lend books from the library.\n')
  await using index = await openIndex({ name: 'docs', encoder, path: path.join(folder, 'store') })
  await index.add(readDocuments(path.join(folder, 'data')))
  const more = {
    queries: new Map([...queries, ['q3', 'lend books']]),
    relevance: new Map([
      ...relevance,
      [
        'q3',
        new Map([
          ['guide.md', 1],
          ['absent', 1],
        ]),
      ],
    ]),
  }
  const measures = ['mrr@10', 'recall@10'] as const
  const whole = await evaluateSearch(index, more, { measures })
  expect(whole.metrics['mrr@10']).toBe(1)
  expect(whole.unknownDocuments).toEqual(['absent'])
  const filtered = await evaluateSearch(index, more, { measures, filter: { source: 'a' }, mode: 'dense' })
  expect(filtered).toMatchObject({ mode: 'dense', metrics: { 'mrr@10': 1 / 3 }, unknownDocuments: ['absent'] })
  const others = { queries, relevance: new Map([['q1', new Map([['7', 1]])]]) }
  await expect(evaluateSearch(index, others)).rejects.toThrow(/None of the 1 relevant documents \(such as 7\) is there/)
})

test('a signal stops it', async () => {
  const evaluator = retrievalEvaluator({ documents: new Map(Object.entries(topics)), queries, relevance })
  await expect(evaluator(encoder, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
})
