import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readJudgements, taskOf } from '../../src/evaluate/index.ts'
import { readLabelledData, readRetrievalData, readRetrievalQueries, readSimilarityData } from '../../src/main.ts'
import { describeWithShared } from '../support/shared.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A folder with files in it; contents by their paths. */
async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await writeFile(path.join(folder, name), content)
  }
  return folder
}

const plain = (relevance: ReadonlyMap<string, ReadonlyMap<string, number>>) =>
  Object.fromEntries([...relevance].map(([query, judged]) => [query, Object.fromEntries(judged)]))

test.each([
  ['qrels.tsv', 'query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t-1\n'],
  ['qrels.tsv', '\uFEFFquery-id\tcorpus-id\tscore\r\nq1\td1\t1\r\n\r\nq1\td2\t-1\r\n'],
  ['qrels.tsv', 'q1\td1\t1\nq1\td2\t-1\n'],
  ['qrels.tsv', '"query-id"\t"corpus-id"\t"score"\n"q1"\t"d1"\t"1"\n"q1"\t"d2"\t"-1"\n'],
  ['qrels.tsv', 'q1 0 d1 1\nq1 0 d2 -1\n'],
  ['qrels.trec', 'q1 0 d1 1\n q1\tQ0  d2  -1 \n'],
  ['qrels.txt', 'q1\t0\td1\t1\nq1\t0\td2\t-1'],
  ['qrels', 'q1 0 d1 1\nq1 0 d2 -1\n'],
  ['qrels.tsv', 'score\tdoc id\tQuery_ID\n1\td1\tq1\n-1\td2\tq1\n'],
  ['qrels.csv', 'qid,docid,relevance\nq1,d1,1\n"q1",d2,-1\n'],
  ['qrels.csv', 'q1,d1,1\nq1,d2,-1\n'],
  ['qrels.jsonl', '{"query-id":"q1","corpus-id":"d1","score":1}\n{"score":-1,"query-id":"q1","corpus-id":"d2"}\n'],
  ['qrels.tsv.gz', gzipSync('q1 0 d1 1\nq1 0 d2 -1\n')],
  ['qrels.tsv', 'q1\td1\t1\nq1\td1\t1\nq1\td2\t-1\n'],
])('%s: judgements of %j', async (name, content) => {
  const folder = await folderOf({ [name]: content })
  expect(plain(await readJudgements(path.join(folder, name)))).toEqual({ q1: { d1: 1, d2: -1 } })
})

test.each([
  ['query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t\n', /line 3: expected a number as relevance; got ""/],
  ['q1 0 d1 1\nq1 0 d2\n', /line 2: expected 4 columns/],
  ['q1\td1\t \n', /line 1: expected a number/],
  ['q1\td1\tone\n', /begins with the columns q1, d1, one. Expected are query-id, corpus-id and score/],
  ['topic\tpaper\tgood\nq1\td1\t1\n', /begins with the columns topic, paper, good/],
  ['q1 Q0 d1 1 13.2 bm25\n', /begins with the columns q1, Q0, d1, 1, 13.2, bm25/],
  ['q1\td1\t1\n\td2\t1\n', /line 2: the id of the query or document is empty/],
  ['q1\td1\t1\nq1\td1\t0\n', /line 2: query q1 and document d1 were judged before, with 1; got 0/],
  ['query-id\tcorpus-id\tscore\n', /judges nothing/],
  ['', /judges nothing/],
])('judgements of %j are refused', async (content, message) => {
  const folder = await folderOf({ 'qrels.tsv': content })
  await expect(readJudgements(path.join(folder, 'qrels.tsv'))).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(message),
  })
})

test.each([
  [
    {
      'corpus.jsonl': '{"_id":"d1","title":"T","text":"one"}\n{"_id":2,"text":"two"}\n',
      'queries.jsonl': '{"_id":"q1","text":"what"}\n{"_id":"q2","text":"not judged"}\n',
      'qrels/test.tsv': 'q1\td1\t1\n',
    },
  ],
  [
    {
      'corpus.tsv': 'title\tid\ttext\nT\td1\tone\n\t2\ttwo\n',
      'queries.tsv': 'q1\twhat\nq2\tnot judged\n',
      'qrels/test.trec': 'q1 0 d1 1\n',
    },
  ],
  [
    {
      'corpus.csv.gz': gzipSync('docid,text,title\nd1,one,T\n2,two,\n'),
      'topics.tsv.gz': gzipSync('q1\twhat\n'),
      'qrels.test.tsv': 'q1\td1\t1\n',
    },
  ],
])('documents and queries by the names of their columns', async (files) => {
  const { documents, queries, relevance } = await readRetrievalData(await folderOf(files))
  expect(Object.fromEntries(documents)).toEqual({ d1: { title: 'T', text: 'one' }, '2': { text: 'two' } })
  expect(Object.fromEntries(queries)).toEqual({ q1: 'what' })
  expect(plain(relevance)).toEqual({ q1: { d1: 1 } })
})

test('splits, judgements elsewhere, and what is wrong with a folder', async () => {
  const folder = await folderOf({
    'queries.jsonl': '{"_id":"q1","text":"one"}\n{"_id":"q2","text":"two"}\n',
    'qrels/test.tsv': 'q1\td1\t1\n',
    'qrels/dev.tsv': 'q2\td1\t1\n',
    'other.trec': 'q9 0 d1 1\n',
    'broken.trec': 'q1 0 d1 1\n',
  })
  expect([...(await readRetrievalQueries(folder)).queries.keys()]).toEqual(['q1'])
  expect([...(await readRetrievalQueries(folder, { split: 'dev' })).queries.keys()]).toEqual(['q2'])
  await expect(readRetrievalQueries(folder, { qrels: path.join(folder, 'other.trec') })).rejects.toThrow(
    /None of the 1 judged queries \(such as q9\)/,
  )
  await expect(readRetrievalData(folder)).rejects.toMatchObject({
    code: 'file-unreadable',
    message: expect.stringContaining('corpus.jsonl'),
  })
  await expect(readRetrievalQueries(folder, { split: 'train' })).rejects.toThrow(/qrels\/train\.tsv/)
  const empty = await folderOf({ 'queries.jsonl': '{"_id":"q1","text":" "}\n', 'qrels/test.tsv': 'q1\td1\t1\n' })
  await expect(readRetrievalQueries(empty)).rejects.toThrow(/line 1: the query q1 is empty/)
  const twice = await folderOf({
    'queries.jsonl': '{"_id":"q1","text":"one"}\n{"_id":"q1","text":"two"}\n',
    'qrels/test.tsv': 'q1\td1\t1\n',
  })
  await expect(readRetrievalQueries(twice)).rejects.toThrow(/line 2: the id q1 was on line 1 before/)
})

test.each([
  ['a.csv', 'A plane.,A jet.,4.5\nA cat.,A car.,0\n'],
  ['a.csv', 'score,sentence2,sentence1\n4.5,A jet.,A plane.\n0,A car.,A cat.\n'],
  [
    'a.tsv',
    'index\tgenre\tsource1\tsource2\tsentence1\tsentence2\tscore\n0\tn\tx\ty\tA plane.\tA jet.\t4.5\n1\tn\tx\ty\tA cat.\tA car.\t0\n',
  ],
  ['a.txt', 'sentence_A\tsentence_B\trelatedness_score\nA plane.\tA jet.\t4.5\nA cat.\tA car.\t0\n'],
  ['a.jsonl', '{"text1":"A plane.","text2":"A jet.","label":4.5}\n{"text1":"A cat.","text2":"A car.","label":"0"}\n'],
  [
    'a.json',
    '[{"question":"A plane.","answer":"A jet.","similarity":4.5},{"question":"A cat.","answer":"A car.","similarity":0}]',
  ],
])('similarity by the names of columns: %s, %j', async (name, content) => {
  const folder = await folderOf({ [name]: content })
  const { pairs } = await readSimilarityData(path.join(folder, name))
  expect(pairs).toEqual([
    { first: 'A plane.', second: 'A jet.', score: 4.5 },
    { first: 'A cat.', second: 'A car.', score: 0 },
  ])
})

test('similarity by columns that are asked for, and what is refused', async () => {
  const folder = await folderOf({
    'own.csv': 'gold,left,right\n1,a,b\n2,c,d\n',
    'bare.csv': '1,a,b\n2,c,d\n',
    'blank.csv': 'sentence1,sentence2,score\na,b,1\nc,d,\n',
    'same.csv': 'sentence1,sentence2,score\na,b,1\nc,d,1\n',
  })
  const read = (name: string, columns?: { first: string; second: string; score: string }) =>
    readSimilarityData(path.join(folder, name), columns ? { columns } : {})
  const expected = [
    { first: 'a', second: 'b', score: 1 },
    { first: 'c', second: 'd', score: 2 },
  ]
  expect((await read('own.csv', { first: 'left', second: 'Right', score: 'gold' })).pairs).toEqual(expected)
  expect((await read('bare.csv', { first: '2', second: '3', score: '1' })).pairs).toEqual(expected)
  await expect(read('own.csv')).rejects.toThrow(/expected the columns sentence1, .*--columns first=…,second=…,score=…/)
  await expect(read('blank.csv')).rejects.toThrow(/line 3: expected a number as score; got ""/)
  await expect(read('same.csv')).rejects.toThrow(/whose scores differ/)
})

test('classes by the names of columns, in any kind of file', async () => {
  const folder = await folderOf({
    'train.csv': 'Category,Text\ncards,lost my card\n"loans ",need money\n',
    'test.jsonl': '{"intent":"cards","utterance":"card gone"}\n',
  })
  expect(await readLabelledData(folder)).toEqual({
    train: [
      { text: 'lost my card', label: 'cards' },
      { text: 'need money', label: 'loans' },
    ],
    test: [{ text: 'card gone', label: 'cards' }],
  })
  const own = await folderOf({ 'train.csv': 'a,b\nx,y\n', 'test.csv': 'a,b\nx,\n' })
  await expect(readLabelledData(own)).rejects.toThrow(/expected the columns text and label/)
  await expect(readLabelledData(own, { columns: { text: 'a', label: 'b' } })).rejects.toThrow(
    /line 2: its text or label/,
  )
})

test('what data is for is told by what is there', async () => {
  expect(await taskOf(await folderOf({ 'queries.tsv': '', 'test.csv': '' }))).toBe('retrieval')
  const classes = { 'train.csv': 'text,label\na,b\n', 'test.csv': 'text,label\na,b\n' }
  expect(await taskOf(await folderOf(classes))).toBe('knn')
  const scored = { 'train.csv': 'text1,text2,label\na,b,1\n', 'test.csv': 'text1,text2,label\na,b,1\n' }
  expect(await taskOf(await folderOf(scored))).toBe('similarity')
  expect(await taskOf(await folderOf({ 'stsb-en-test.csv': 'a,b,1\n' }))).toBe('similarity')
  await expect(taskOf('/nowhere')).rejects.toMatchObject({ code: 'file-unreadable' })
})

describeWithShared('SciFact', ['data', 'scifact'], (scifact) => {
  test('judgements of TREC are those of BEIR, also where they lie in their place', async () => {
    const folder = await temporaryFolder()
    await mkdir(path.join(folder, 'qrels'))
    await cp(path.join(scifact, 'queries.jsonl'), path.join(folder, 'queries.jsonl'))
    const trec = await readFile(path.join(scifact, 'qrels.beir-v1.0.0-scifact.test.txt'))
    await writeFile(path.join(folder, 'qrels/test.tsv'), trec)
    const [ours, theirs] = [await readRetrievalQueries(folder), await readRetrievalQueries(scifact)]
    expect(theirs.queries.size).toBe(300)
    expect(plain(ours.relevance)).toEqual(plain(theirs.relevance))
    expect(ours.queries).toEqual(theirs.queries)
  })
})
