import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkPairs } from '../../src/finetune/data/pairs.ts'
import { type PairsReport, type ReadPairsOptions, readPairs } from '../../src/main.ts'
import { fuzz } from '../support/fuzz.ts'
import { sharedPath } from '../support/shared.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
let files = 0
beforeAll(async () => {
  folder = await temporaryFolder()
})

async function write(name: string, content: string | Uint8Array): Promise<string> {
  files += 1
  const file = path.join(folder, `${files}-${name}`)
  await writeFile(file, content)
  return file
}

const read = async (name: string, content: string | Uint8Array, options: ReadPairsOptions = {}) =>
  readPairs(await write(name, content), options)

/** Pairs as one text each, and the report, with bad lines left out. */
async function survey(name: string, content: string, options: ReadPairsOptions = {}) {
  let report: PairsReport | undefined
  const bad: number[] = []
  const onBadLine = (line: number) => bad.push(line)
  const onReport = (given: PairsReport) => {
    report = given
  }
  const pairs = await read(name, content, { onBadLine, onReport, ...options })
  return { pairs: pairs.map((pair) => shown(pair)), bad, report }
}

function shown({
  anchor,
  positive,
  negatives = [],
}: {
  anchor: string
  positive: string
  negatives?: readonly string[]
}) {
  return [anchor, positive, ...negatives].join('|')
}

describe('columns are known by their usual names, in any spelling', () => {
  test.each([
    ['anchor,positive,negative', 'a|b|c'],
    ['Anchor, Positive ,NEGATIVE', 'a|b|c'],
    ['Query,Passage,id', 'a|b'],
    ['query,document,hard_negative', 'a|b|c'],
    ['question,answer,source', 'a|b'],
    ['id,Question,Answer', 'b|c'],
    ['sentence_A,sentence_B,idx', 'a|b'],
    ['Sentence 1,Sentence 2,idx', 'a|b'],
    ['sentence_0,sentence_1,sentence_2', 'a|b|c'],
    ['sentence2,sentence1,idx', 'b|a'],
    ['text_a,text_b,guid', 'a|b'],
    ['qid,question1,question2', 'b|c'],
    ['#1 String,#2 String,#1 ID', 'a|b'],
    ['premise,hypothesis,genre', 'a|b'],
    ['text,label,id', 'a|b'],
    ['query,pos,neg', 'a|b|c'],
    ['positive,anchor,positive_score', 'b|a'],
    ['query,text,docid', 'a|b'],
  ])('%s', async (header, expected) => {
    expect((await read('p.csv', `${header}\na,b,c\n`)).map(shown)).toEqual([expected])
  })

  test('two columns of one name are two negatives, or two positives', async () => {
    expect((await read('p.csv', 'anchor,positive,negative,negative\na,b,c,d\n')).map(shown)).toEqual(['a|b|c|d'])
    expect((await read('p.tsv', 'query\tpos\tpos\tNeg 1\tneg_2\na\tb\tc\td\te\n')).map(shown)).toEqual([
      'a|b|d|e',
      'a|c|d|e',
    ])
  })

  test('where they are not, or where there is more than one way, they are named', async () => {
    const squad = 'id,context,question,answers\n1,c,q,a\n'
    await expect(read('p.csv', squad)).rejects.toThrow(/which is the positive, context or answers/)
    expect((await read('p.csv', squad, { columns: { positive: 'context' } })).map(shown)).toEqual(['q|c'])
    const own = 'utterance,reply,bad reply,worse reply\na,b,c,d\n'
    await expect(read('p.csv', own)).rejects.toThrow(
      /columns utterance, reply, .*Accepted: anchor, positive.*--columns/,
    )
    const columns = { anchor: 'Utterance', positive: 'reply', negative: ['bad_reply', 'worse reply'] }
    expect((await read('p.csv', own, { columns })).map(shown)).toEqual(['a|b|c|d'])
    await expect(read('p.csv', own, { columns: { ...columns, anchor: 'absent' } })).rejects.toThrow(
      /no column 'absent'/,
    )
  })

  test('a file without a header is read by positions', async () => {
    const columns = { anchor: '1', positive: '2', negative: '3' }
    expect((await read('p.tsv', 'how?\tso\tnot so\nwhat?\tthat\tthis\n', { columns })).map(shown)).toEqual([
      'how?|so|not so',
      'what?|that|this',
    ])
    await expect(read('p.tsv', 'how?\tso\nwhat?\tthat\n')).rejects.toThrow(/columns how\?, so\. Accepted/)
    expect((await read('p.csv', '1,2\na,b\n', { columns: { anchor: '2', positive: '1' } })).map(shown)).toEqual(['b|a'])
  })
})

describe('a column that judges a pair is not passed over', () => {
  const nli = 'premise,hypothesis,label\na,b,0\nc,d,1\ne,f,2\ng,h,-1\n'
  test.each([
    ['sentence1,sentence2,score\na,b,0.5\n', 'score'],
    ['sentence1,sentence2,label\na,b,1\nc,d,0\n', 'label'],
    ['question1,question2,is_duplicate\na,b,1\n', 'is_duplicate'],
    ['question_1,question_2,similar\na,b,1\n', 'similar'],
    ['Quality,#1 ID,#2 ID,#1 String,#2 String\n1,2,3,a,b\n', 'Quality'],
    ['sentence_A,sentence_B,relatedness_score\na,b,4\n', 'relatedness_score'],
    ['gold_label,sentence1,sentence2\n-,a,b\n', 'gold_label'],
    ['anchor,positive,Label\na,b,0\n', 'Label'],
    ['text1,text2,Similarity Score (0-5)\na,b,0\n', 'Similarity Score (0-5)'],
    ['query,document,human_label\na,b,0\n', 'human_label'],
    [nli, 'label'],
  ])('%j', async (content, column) => {
    const refused = { code: 'invalid-input', message: expect.stringContaining(`the column ${column} says`) }
    await expect(read('p.csv', content)).rejects.toMatchObject(refused)
    await expect(read('p.csv', content, { onBadLine: () => {} })).rejects.toMatchObject(refused)
  })

  test('it chooses rows, which are counted, or is said not to matter', async () => {
    const { pairs, bad, report } = await survey('p.csv', nli, { where: { label: 0 } })
    expect({ pairs, bad }).toEqual({ pairs: ['a|b'], bad: [] })
    expect(report?.leftOut).toEqual([{ reason: 'not label = 0.', rows: 3, lines: [3, 4, 5] }])
    const scored = 'sentence1,sentence2,score\na,b,4.5\nc,d,\ne,f,3\n'
    expect((await read('p.csv', scored, { where: { score: { gte: 3 } } })).map(shown)).toEqual(['a|b', 'e|f'])
    expect((await read('p.csv', scored, { where: { score: { gt: 3, lte: 4.5 } } })).map(shown)).toEqual(['a|b'])
    const jsonl = '{"text1":"a","text2":"b","label":1}\n{"text1":"c","text2":"d","label":0}\n'
    expect((await read('p.jsonl', jsonl, { where: { label: '1' } })).map(shown)).toEqual(['a|b'])
    expect(await read('p.csv', nli, { columns: { ignore: 'label' } })).toHaveLength(4)
    await expect(read('p.csv', nli, { where: { label: 9 } })).rejects.toThrow(
      /no pairs in its 4 rows. 4 left out: not label = 9/,
    )
    await expect(read('p.csv', nli, { where: { lable: 1 } })).rejects.toThrow(/the column label says/)
    await expect(read('p.csv', nli, { where: { label: 1, genre: 'a' } })).rejects.toThrow(
      /no column 'genre' \(where\), but the columns premise, hypothesis, label\.$/,
    )
    await expect(read('p.csv', nli, { where: { label: {} } })).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(read('p.csv', nli, { columns: { ignore: '' } })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('a class is trained by its name, never by its number', async () => {
    expect((await read('p.csv', 'text,label\na,card_arrival\n')).map(shown)).toEqual(['a|card_arrival'])
    await expect(read('p.csv', 'text,label\na,3\n')).rejects.toThrow(/column label has numbers \(3\)/)
    await expect(read('p.jsonl', '{"text":"a","label":0}\n')).rejects.toThrow(/classes are trained by their names/)
  })

  test('pairs of a program are looked at as those of a file', () => {
    const scored: { anchor: string; positive: string; score: number }[] = [{ anchor: 'a', positive: 'b', score: 0 }]
    expect(() => checkPairs(scored)).toThrow(/the column score says/)
    expect(() => checkPairs([{ anchor: 'a', positive: ' ' }])).toThrow(/pairs\[0\]: its positive is empty/)
    expect(checkPairs([{ anchor: 'a', positive: 'b', negatives: ['c'] }]).map(shown)).toEqual(['a|b|c'])
  })
})

test('every positive of a list is a pair', async () => {
  const lines = '{"query":"a","pos":["b","c"],"neg":["d","e"]}\n{"query":"f","pos":["g"],"neg":[],"pos_scores":[1]}\n'
  expect((await read('p.jsonl', lines)).map(shown)).toEqual(['a|b|d|e', 'a|c|d|e', 'f|g'])
})

test('passages with a title, lists without names; numbers are no texts', async () => {
  const tevatron = {
    query: 'q',
    positive_passages: [{ docid: '1', title: 'T', text: 'one' }, { text: 'two' }],
    negative_passages: [{ title: '', text: 'three' }],
  }
  expect((await read('p.jsonl', JSON.stringify(tevatron))).map(shown)).toEqual(['q|T one|three', 'q|two|three'])
  await expect(read('p.jsonl', '["a","b"]\n')).rejects.toThrow(/columns 1, 2/)
  expect(
    (await read('p.jsonl', '["a","b"]\n["c","d"]\n', { columns: { anchor: '1', positive: '2' } })).map(shown),
  ).toEqual(['a|b', 'c|d'])
  await expect(read('p.jsonl', '{"question":"2 + 2","answer":4}')).rejects.toThrow(/its positive is no text/)
})

describe('files of any kind', () => {
  const rows = [
    { anchor: 'Zürich?', positive: 'eine "Stadt"' },
    { anchor: 'c', positive: 'd, e\nf' },
  ]
  const expected = ['Zürich?|eine "Stadt"', 'c|d, e\nf']
  const lines = rows.map((row) => JSON.stringify(row)).join('\n')
  const table = 'anchor,positive\r\nZürich?,"eine ""Stadt"""\r\nc,"d, e\nf"\r\n'
  test.each([
    ['p.jsonl', lines],
    ['p.ndjson', `\uFEFF${lines.replaceAll('\n', '\r\n\r\n')}\r\n`],
    ['p.json', JSON.stringify(rows)],
    ['p.json', JSON.stringify(rows, null, 2)],
    ['p.json', lines],
    ['p.json', rows.map((row) => JSON.stringify(row, null, 2)).join('\n')],
    ['p.csv', table],
    ['p.csv', `\uFEFF${table.replaceAll(',', ';').replace('d; e', 'd, e')}`],
    ['p.txt', table],
    ['p.txt', lines],
    ['pairs', lines],
    ['p.jsonl.gz', gzipSync(lines)],
    ['P.CSV.GZ', gzipSync(table)],
    ['p.json.gz', gzipSync(JSON.stringify(rows))],
    ['p.csv', Buffer.from(`\uFEFF${table}`, 'utf16le')],
    ['p.tsv', Buffer.from('\uFEFFanchor\tpositive\r\nZürich?\teine "Stadt"\r\nc\t"d, e\nf"\r\n', 'utf16le').swap16()],
  ])('%s', async (name, content) => {
    expect((await read(name, content)).map(shown)).toEqual(expected)
  })

  test.each([
    ['p.parquet', 'Parquet is not read'],
    ['p.xlsx', 'save it as CSV'],
    ['p.tar.gz', 'unpack it'],
    ['p.zip', 'unpack it'],
    ['p.pkl', 'data of Python'],
    ['p.data', "the extension '.data'"],
  ])('%s is refused by name', async (name, words) => {
    await expect(read(name, 'PAR1')).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(new RegExp(`${words}.*Read are .jsonl`)),
    })
  })

  test('a file that is not there, empty, cut off, or binary', async () => {
    for (const place of [path.join(folder, 'absent.csv'), folder])
      await expect(readPairs(place)).rejects.toMatchObject({ code: 'file-unreadable' })
    await expect(read('p.csv', '')).rejects.toThrow(/no pairs in its 0 rows/)
    await expect(read('p.csv', 'anchor,positive\n')).rejects.toThrow(/no pairs in its 0 rows/)
    await expect(read('p.json', '[]')).rejects.toThrow(/no pairs/)
    await expect(read('p.jsonl.gz', gzipSync(lines).subarray(0, 60))).rejects.toMatchObject({ code: 'file-unreadable' })
    await expect(read('p.csv', Buffer.from('anchor,positive\na,b\n', 'utf16le'))).rejects.toThrow(/NUL/)
  })
})

describe('what is left out is counted, with its line', () => {
  test('in JSON lines', async () => {
    const content = [
      '{"anchor":"a","positive":"b"}',
      '',
      'no json',
      '{"anchor":" ","positive":"b"}',
      '{"anchor":"a","positive":null}',
      '{"anchor":"a","positive":{"x":1}}',
      '{"anchor":"a","positive":"b","negative":true}',
      '"text"',
      '{"other":"a"}',
      '{"anchor":["a","b"],"positive":"c"}',
      `{"anchor":"a","positive":${'['.repeat(20_000)}"b"${']'.repeat(20_000)}}`,
    ]
    const { pairs, bad, report } = await survey('p.jsonl', content.join('\n'))
    expect({ pairs, bad }).toEqual({ pairs: ['a|b'], bad: [3, 4, 5, 6, 7, 8, 9, 10, 11] })
    expect(report).toMatchObject({ rows: 10, pairs: 1 })
    expect(report?.leftOut.map(({ reason, lines }) => `${reason} ${lines}`)).toEqual([
      'it is no row. 3,8',
      'its anchor is empty. 4',
      'its positive is empty. 5',
      'its positive is no text. 6,11',
      'a negative is no text. 7',
      expect.stringMatching(/it has the column other\. .* 9$/),
      'it has several anchors. 10',
    ])
    await expect(read('p.jsonl', content.join('\n'))).rejects.toThrow(/line 3: it is no row/)
  })

  test('in a JSON list, by the lines on which its items begin', async () => {
    const content =
      '[\n{"anchor": "a",\n "positive": "b"},\n\n {"anchor": "c" "positive": "d"},\n 7, {"anchor": "e", "positive": "] }, f"}\n]'
    const { pairs, bad } = await survey('p.json', content)
    expect({ pairs, bad }).toEqual({ pairs: ['a|b', 'e|] }, f'], bad: [5, 6] })
  })

  test('in a JSON list that is cut off', async () => {
    const { pairs, bad, report } = await survey('p.json', '[{"anchor":"a","positive":"b"},\n')
    expect({ pairs, bad, rows: report?.rows }).toEqual({ pairs: ['a|b'], bad: [2], rows: 2 })
    await expect(read('p.json', '[{"anchor":"a","positive":"b"},\n{"anchor":"c')).rejects.toThrow(
      /line 2: it is no row/,
    )
  })

  test('in a table', async () => {
    const { pairs, bad, report } = await survey('p.csv', 'query,pos,neg\na,b,c\n\nd,,e\nf,g\nh,"i\ni",j\n,k,l\nm,n,\n')
    expect({ pairs, bad }).toEqual({ pairs: ['a|b|c', 'h|i\ni|j', 'm|n'], bad: [4, 5, 8] })
    expect(report).toMatchObject({
      rows: 6,
      pairs: 3,
      columns: { anchor: ['query'], positive: ['pos'], negative: ['neg'] },
    })
  })

  test('rows and pairs add up, whatever the file', async () => {
    const cell = fc.constantFrom('a', '', ' ', 'b"c', '"', '1', 'ü')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 12 }), async (cells) => {
        const content = ['anchor\tpositive', ...cells.map((row) => row.join('\t'))].join('\n')
        let report: PairsReport | undefined
        const onReport = (given: PairsReport) => {
          report = given
        }
        const pairs = await read('p.tsv', content, { onBadLine: () => {}, onReport }).catch(() => [])
        const left = report?.leftOut.reduce((sum, { rows }) => sum + rows, 0) ?? 0
        expect(report?.rows).toBe(pairs.length + left)
        const blank = cells.filter((row) => row.every((one) => one.trim() === '')).length
        expect(report?.rows).toBe(cells.length - blank)
      }),
      fuzz(50),
    )
  })
})

test('GLUE’s tables have bare quotes, which belong to the text', async () => {
  const sentences = ['" It was , " he said .', 'a 5" nail', '"', 'said "no"', 'plain', '"whole"', 'ends with "']
  const rows = Array.from({ length: 400 }, (_, i) => [sentences[i % 7], sentences[(i * 3 + 1) % 7], String(i % 2)])
  const raw = ['sentence1\tsentence2\tlabel', ...rows.map((row) => row.join('\t'))].join('\n')
  const quote = (cell = '') => (cell.includes('"') ? `"${cell.replaceAll('"', '""')}"` : cell)
  const pandas = ['sentence1\tsentence2\tlabel', ...rows.map((row) => row.map(quote).join('\t'))].join('\n')
  const expected = rows.flatMap(([a, b, label]) => (label === '1' ? [`${a}|${b}`] : []))
  for (const content of [raw, pandas]) {
    const { pairs, bad, report } = await survey('mrpc.tsv', content, { where: { label: 1 } })
    expect(pairs).toEqual(expected)
    expect(bad).toEqual([])
    expect(report).toMatchObject({ rows: 400, pairs: 200, leftOut: [{ rows: 200 }] })
  }
})

test.runIf(sharedPath('data', 'covid-faq'))('strangers’ files', async () => {
  const faq = sharedPath('data', 'covid-faq') ?? ''
  const en = path.join(faq, 'eval_question_similarity_en.csv')
  await expect(readPairs(en)).rejects.toThrow(/the column similar says/)
  const chosen = await readPairs(en, { where: { similar: 1 } })
  expect(chosen.length).toBeGreaterThan(20)
  let report: PairsReport | undefined
  const onReport = (given: PairsReport) => {
    report = given
  }
  await readPairs(path.join(faq, 'faq_covidbert.csv'), { onBadLine: () => {}, onReport })
  expect(report?.columns).toMatchObject({ anchor: ['question'], positive: ['answer'] })
  expect(report?.rows).toBe((report?.pairs ?? 0) + (report?.leftOut.reduce((sum, { rows }) => sum + rows, 0) ?? 0))
})
