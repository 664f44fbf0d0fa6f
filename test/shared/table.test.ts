import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type LostLines, openTable } from '../../src/shared/index.ts'
import { describeWithShared } from '../support/shared.ts'

async function read(text: string, { tabs = false, pieces = [text] }: { tabs?: boolean; pieces?: string[] } = {}) {
  const lost: LostLines[] = []
  const table = await openTable(() => arrayOf(pieces), { tabs })
  const rows = await Array.fromAsync(table.rows((lines) => lost.push(lines)))
  return {
    columns: table.columns,
    types: table.types,
    form: table.form,
    rows: rows.map(({ cells }) => cells),
    lines: rows.map(({ line }) => line),
    lost: lost.map(({ line, reason }) => `${line}: ${reason}`),
  }
}

async function* arrayOf(pieces: readonly string[]) {
  yield* pieces
}

test.each([
  ['a,b\n1,2\n3,4\n'],
  ['a;b\n1;2\n3;4'],
  ['a\tb\r\n1\t2\r\n3\t4\r\n'],
  ['a|b\r1|2\r3|4\r'],
  ['\ufeff"a","b"\n"1","2"\n"3","4"\n'],
  ['sep=;\r\na;b\r\n1;2\r\n3;4\r\n'],
  ['a,b\n1,2\r\n\r\n\r\n3,4\r\r\n'],
  ['a, b\n"1", "2"\n"3", "4"\n'],
  ['\n\na,b\n1,2\n , \n3,4\n\n'],
  ['a,b\n1,2,,\n3,4,\n'],
])('%j is the table of two rows', async (text) => {
  const { columns, rows, lost } = await read(text)
  expect({ columns, rows, lost }).toEqual({
    columns: ['a', 'b'],
    rows: [
      ['1', '2'],
      ['3', '4'],
    ],
    lost: [],
  })
})

test('a table of one column keeps what would separate cells elsewhere', async () => {
  expect(await read('text\none, two\nthree; four\n"five, ""six"""\n')).toMatchObject({
    columns: ['text'],
    rows: [['one, two'], ['three; four'], ['five, "six"']],
    lost: [],
  })
})

test('decimal commas stay in their cells, and are numbers', async () => {
  const { rows, types } = await read('id;name;price\n1;one;3,14\n2;two, three;12,5\n')
  expect(rows).toEqual([
    ['1', 'one', '3,14'],
    ['2', 'two, three', '12,5'],
  ])
  expect(types).toEqual(['number', 'keyword', 'number'])
})

test('quotes in a file with tabs are characters, unless all of them are closed', async () => {
  const bare = '1\t"Open\n2\tsay "hi"\n3\t"whole" or not\n4\tclose"\n5\t6" pipe\n'
  expect((await read(`id\ttext\n${bare}`, { tabs: true })).rows.map(([, text]) => text)).toEqual([
    '"Open',
    'say "hi"',
    '"whole" or not',
    'close"',
    '6" pipe',
  ])
  const quoted = await read('id\ttext\n1\t"a\ttab"\n2\t"two\nlines ""q"""\n3\tplain\n', { tabs: true })
  expect(quoted).toMatchObject({
    rows: [
      ['1', 'a\ttab'],
      ['2', 'two\nlines "q"'],
      ['3', 'plain'],
    ],
    lines: [2, 3, 5],
    lost: [],
  })
})

test('quotes escaped by a backslash are read', async () => {
  const { rows, lost } = await read('id,text\n1,"say \\"hi\\", he"\n2,"b, c"\n')
  expect(rows.map(([, text]) => text)).toEqual(['say "hi", he', 'b, c'])
  expect(lost).toEqual([])
})

test('a quote that swallows lines is told where it opens, with what it took', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => `${i},"text, ${i}"`)
  const open = await read(['id,text', ...rows, '20,"open', '21,x', '22,"next"', '23,"y, z"'].join('\n'))
  expect(open.rows).toHaveLength(21)
  expect(open.lost).toEqual(['22: a quote opens here that is not closed before line 24: these lines are left out.'])
  const never = await read(['id,text', ...rows, '20,"open', '21,x'].join('\n'))
  expect(never.rows).toHaveLength(20)
  expect(never.lost).toEqual(['22: a quote opens here that is never closed.'])
})

test('a line of another width is told, not shifted', async () => {
  const { rows, lost } = await read('a,b,c\n1,2,3\n1,2\n1,2,3,4\n4,5,6\n')
  expect(rows).toEqual([
    ['1', '2', '3'],
    ['4', '5', '6'],
  ])
  expect(lost).toEqual([
    '3: expected 3 cells, as the first row has; got 2.',
    '4: expected 3 cells, as the first row has; got 4.',
  ])
})

test('columns have one name each', async () => {
  expect((await read('note,,note, id \n1,2,3,4\n')).columns).toEqual(['note', 'column_2', 'note_2', 'id'])
})

test('lines are counted as editors count them, however the file comes', async () => {
  const text = 'a,b\r\n1,"x\r\ny"\r\n\r\n2,z\r3,w\n'
  const { lines, rows } = await read(text, { pieces: [...text] })
  expect(lines).toEqual([2, 5, 6])
  expect(rows[0]).toEqual(['1', 'x\ny'])
  expect((await read('sep=,\na,b\n1,2\n')).lines).toEqual([3])
})

test.each([
  [['1', '2.5', '-3', '1.5e-05', '', 'NA'], 'number'],
  [['7', '007'], 'keyword'],
  [['+4930123', '+4930124'], 'keyword'],
  [['1e5', '2e5'], 'keyword'],
  [['12345678901234567', '12345678901234568'], 'keyword'],
  [['true', 'FALSE', ''], 'boolean'],
  [['2024-05-31', '2024-05-31T12:00:00Z', 'null'], 'date'],
  [['2024-05-31', 'soon'], 'keyword'],
  [['1', 'n.d.'], 'keyword'],
  [['', 'NA'], 'keyword'],
])('a column of %j is %s', async (cells, type) => {
  expect((await read(`x,y\n${cells.map((cell) => `${cell},t`).join('\n')}\n`)).types[0]).toBe(type)
})

test('thousands are no decimals', async () => {
  expect((await read('a\tb\n1,234\tx\n5,678\ty\n')).types[0]).toBe('keyword')
})

/** Rows, and characters of their cells without \r, as Python's csv module counts them (all tables quoted but qrels). */
const byPython: Readonly<Record<string, readonly [number, number]>> = {
  'covid-faq/eval_question_similarity_de.csv': [624, 76_925],
  'covid-faq/eval_question_similarity_en.csv': [488, 61_331],
  'covid-faq/faq_200327.tsv': [896, 1_724_408],
  'covid-faq/faq_covidbert.csv': [213, 369_875],
  'banking77/train.csv': [10_003, 806_211],
  'banking77/test.csv': [3_080, 229_916],
  'stsb/stsb-en-train.csv': [5_748, 680_536],
  'stsb/stsb-fr-test.csv': [1_378, 183_482],
  'stsb/stsb-zh-dev.csv': [1_499, 67_708],
  'scifact/qrels/test.tsv': [339, 4_007],
  'scifact/qrels/train.tsv': [919, 10_800],
}

describeWithShared('tables of others', ['data'], (data) => {
  test.each(Object.entries(byPython))('%s has the rows that Python finds', async (name, [rows, characters]) => {
    const folder = path.join(data, path.dirname(name))
    if (!readdirSync(folder).includes(path.basename(name))) throw new Error(`${name} is absent`)
    const found = await read(readFileSync(path.join(data, name), 'utf8'), { tabs: name.endsWith('.tsv') })
    const count = found.rows.flat().reduce((sum, cell) => sum + [...cell].length, 0)
    expect([found.rows.length, count, found.lost]).toEqual([rows, characters, []])
  })
})
