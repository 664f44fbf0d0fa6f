import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { type ReadFailure, type ReadOptions, readDocuments } from '../../src/documents/index.ts'
import type { Document } from '../../src/shared/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

const fixtures = new URL('../fixtures/documents/', import.meta.url).pathname
let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

const put = (name: string, content: string | Uint8Array) => writeFile(path.join(folder, name), content)

async function read(
  patterns: string | string[] = folder,
  options: ReadOptions = {},
): Promise<{ documents: Document[]; failures: ReadFailure[] }> {
  const documents: Document[] = []
  const failures: ReadFailure[] = []
  for await (const document of readDocuments(patterns, { onFailure: (failure) => failures.push(failure), ...options }))
    documents.push(document)
  return { documents, failures }
}

/** The text from each section to the next, by its heading or page. */
function parts({ text, sections = [] }: Document): [string | number | undefined, string][] {
  return sections.map(({ start, heading, page }, i) => [
    heading ?? page,
    text.slice(start, sections[i + 1]?.start).trim(),
  ])
}

test('a text file is read as it is', async () => {
  await put('note.txt', '\ufeffFirst line\nsecond')
  const { documents } = await read()
  expect(documents[0]).toMatchObject({ title: 'note', text: 'First line\nsecond', sections: [{ start: 0, line: 1 }] })
  expect(documents[0]?.id).toMatch(/note\.txt$/)
})

test('Markdown keeps its text and gets a section at each heading, with its line', async () => {
  await put(
    'guide.md',
    '---\ntitle: The guide\n---\n\nIntro.\n\n# Start\n\nText.\n\n## Install *now*\n\n```\n# no heading\n```\n\nEnd\n===\n\nLast.\n',
  )
  const { documents } = await read()
  const [document] = documents
  expect(document?.title).toBe('The guide')
  expect(document?.sections?.map(({ heading, line }) => [heading, line])).toEqual([
    [undefined, 4],
    ['Start', 7],
    ['Start › Install now', 11],
    ['End', 17],
  ])
  expect(document?.text.slice(document.sections?.[2]?.start).startsWith('## Install')).toBe(true)
})

test('HTML gives its readable text, with a section at each heading', async () => {
  await put(
    'page.html',
    '<!doctype html><html><head><title>A &amp; B</title><style>x{}</style></head><body><nav>menu</nav><h1>One</h1><p>First<br>line &lt;3</p><script>alert(1)</script><h2>Two</h2><ul><li>a</li><li>b</li></ul><h2> </h2><h1>Three</h1>end <b>bold</b>text<pre>if x:\n  y</pre></body>',
  )
  const { documents } = await read()
  const [document] = documents
  expect(document?.title).toBe('A & B')
  expect(document && parts(document)).toEqual([
    ['One', 'One\nFirst\nline <3'],
    ['One › Two', 'Two\na\nb'],
    ['Three', 'Three\nend boldtext\nif x:\n  y'],
  ])
})

test('a PDF has a section for each page', async () => {
  await cp(path.join(fixtures, 'two-pages.pdf'), path.join(folder, 'ticks.pdf'))
  const { documents } = await read()
  expect(documents[0]?.title).toBe('A guide to ticks')
  expect(documents[0] && parts(documents[0])).toEqual([
    [1, 'Ticks live in tall grass.'],
    [2, 'Remove a tick with tweezers.'],
  ])
})

test('an encrypted or broken PDF is reported, and the rest goes on', async () => {
  await cp(path.join(fixtures, 'encrypted.pdf'), path.join(folder, 'a.pdf'))
  await put('b.pdf', '%PDF-1.4 nothing more')
  await put('c.txt', 'fine')
  const { documents, failures } = await read()
  expect(documents).toHaveLength(1)
  expect(failures.map(({ code }) => code)).toEqual(['file-encrypted', 'file-unreadable'])
  expect(failures[0]?.reason).toContain('password')
})

test('JSON lines: columns by their usual names, a malformed line by its number', async () => {
  const lines = [
    '{"_id":"a","title":"T","text":"one","year":2001,"tags":["x"]}',
    '',
    '{broken',
    '{"id":7,"contents":"two"}',
    '{"id":"c","text":""}',
    '[1]',
    '{"text":"\\ud800 lone"}',
    '{"id":"n"}',
  ]
  await put('data.jsonl', lines.join('\n'))
  const { documents, failures } = await read()
  expect(documents[0]).toMatchObject({ title: 'T', text: 'one', payload: { year: 2001, tags: ['x'] } })
  expect(documents.map(({ id }) => id.replace(/^.*data/, 'data'))).toEqual([
    'data.jsonl#a',
    'data.jsonl#7',
    'data.jsonl#c',
  ])
  expect(documents.map(({ payload }) => payload?.['line'])).toEqual([1, 4, 5])
  expect(failures.map(({ id }) => id.replace(/^.*data/, 'data'))).toEqual([
    'data.jsonl:3',
    'data.jsonl:6',
    'data.jsonl:7',
    'data.jsonl:8',
  ])
  expect(failures[2]?.reason).toContain("no id: expected a string or a number in '_id'")
  expect(failures[3]?.reason).toContain('--text-column')
})

test('CSV and TSV: a row a document, a broken row by its line, other columns by name', async () => {
  await put('faq.csv', 'id,question,answer\n1,"What, now?","Line one\nline two"\n2,only two\n3,Q,A\n')
  await put('more.tsv', 'text\tsource\nsay "hi"\tX\n')
  const { documents, failures } = await read(folder, { textColumn: 'answer' })
  expect(documents).toMatchObject([
    { id: expect.stringMatching(/\/faq\.csv#1$/), text: 'Line one\nline two', payload: { question: 'What, now?' } },
    { id: expect.stringMatching(/\/faq\.csv#3$/), text: 'A' },
  ])
  expect(failures.map(({ id }) => id.replace(/^.*\//, ''))).toEqual(['faq.csv:4', 'more.tsv'])
  expect(failures[1]?.reason).toBe("there is no column 'answer': the columns are text, source.")
  const usual = await read(path.join(folder, 'more.tsv'))
  expect(usual.documents).toMatchObject([{ text: 'say "hi"', payload: { source: 'X' } }])
})

test('only a line feed ends a line of JSON, and a column named path does not hide the file', async () => {
  await put('data.jsonl', '\ufeff{"id":"a","text":"one\u2028two","path":"elsewhere.txt"}\r\n{"id":"b","text":"three"}')
  const { documents, failures } = await read()
  expect(failures).toEqual([])
  expect(documents.map(({ text }) => text)).toEqual(['one\u2028two', 'three'])
  expect(documents[0]?.payload).toEqual({ root: folder, path: 'data.jsonl', line: 1, row_path: 'elsewhere.txt' })
})

test('rows are streamed: long lines, UTF-16 and characters on the border of two reads come out whole', async () => {
  const long = 'é😀'.repeat(300_000)
  await put('a.jsonl', `${JSON.stringify({ id: 1, text: long })}\n{"id":2,"text":"short"}\n`)
  await put('b.csv', `id,text\n3,${long}\n`)
  await put('c.jsonl', Buffer.from('\ufeff{"id":4,"text":"hellö"}\n', 'utf16le'))
  await put('d.csv', Buffer.from('\ufeffid,text\n5,hellö\n', 'utf16le'))
  const { documents, failures } = await read()
  expect(failures).toEqual([])
  expect(documents.map(({ id }) => id.replace(/^.*#/, ''))).toEqual(['1', '2', '3', '4', '5'])
  expect(documents.map(({ text }) => text)).toEqual([long, 'short', long, 'hellö', 'hellö'])
})

test('a stray quote in a table costs no row; one that is never closed is told where it opens', async () => {
  await put('a.csv', 'id,text\n1,"said" he\n2,two\n')
  await put('b.csv', 'id,text\n3,"three, a"\n4,"four, b"\n5,"five, c"\n6,"six, d"\n7,"open\n8,eight\n')
  const { documents, failures } = await read()
  expect(documents.map(({ id, text }) => [id.replace(/^.*#/, ''), text])).toEqual([
    ['1', '"said" he'],
    ['2', 'two'],
    ['3', 'three, a'],
    ['4', 'four, b'],
    ['5', 'five, c'],
    ['6', 'six, d'],
  ])
  expect(failures).toMatchObject([{ id: expect.stringMatching(/b\.csv:6$/), reason: expect.stringContaining('quote') }])
})

test('a column that was asked for and is not there is told', async () => {
  await put('a.csv', 'id,text\n1,one\n')
  await put('b.jsonl', '{"id":1,"text":"one"}\n{"name":"n","text":"two"}\n')
  expect((await read(path.join(folder, 'a.csv'), { titleColumn: 'headline' })).failures).toMatchObject([
    { code: 'invalid-input' },
  ])
  const { documents, failures } = await read(folder, { idColumn: 'name' })
  expect(documents.map(({ id }) => id)).toEqual([expect.stringMatching(/b\.jsonl#n$/)])
  expect(failures.map(({ id }) => id.replace(/^.*\//, ''))).toEqual(['a.csv', 'b.jsonl:1'])
})

test('progress counts the bytes of all files', async () => {
  await put('a.txt', 'x'.repeat(10))
  await put('b.jsonl', '{"text":"y"}\n'.repeat(10_000))
  const seen: number[] = []
  await read(folder, {
    onProgress: ({ done, total }) => {
      expect(total).toBe(10 + 130_000)
      seen.push(done)
    },
  })
  expect(seen[0]).toBe(10)
  expect(seen.at(-1)).toBe(130_010)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
})

test('folders are walked in order, past what cannot be read, hidden files and node_modules', async () => {
  for (const name of ['b', 'node_modules', '.git']) await mkdir(path.join(folder, name))
  for (const name of ['z.txt', 'b/a.md', 'a.html', 'node_modules/x.txt', '.git/x.txt', '.hidden.txt', 'image.png'])
    await put(name, 'text')
  expect((await read()).documents.map(({ id }) => id.replace(/^qontrast-[\w-]+~[0-9a-f]{6}\//, ''))).toEqual([
    'a.html',
    'b/a.md',
    'z.txt',
  ])
  expect((await read(`${folder}/**/*.md`)).documents).toHaveLength(1)
  expect((await read([path.join(folder, 'z.txt'), folder])).documents).toHaveLength(3)
})

test('what matches nothing, or is binary, is told; a text of an unknown kind that is named outright is read', async () => {
  await put('image.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]))
  await put('notes.log', 'a text')
  await expect(read(path.join(folder, 'absent'))).rejects.toMatchObject({
    code: 'file-unreadable',
    message: expect.stringContaining('absent'),
  })
  expect((await read(path.join(folder, 'image.png'))).failures).toMatchObject([
    { code: 'file-unreadable', reason: expect.stringContaining('binary') },
  ])
  expect((await read(path.join(folder, 'notes.log'))).documents).toMatchObject([{ title: 'notes.log', text: 'a text' }])
  await expect(read(folder)).rejects.toMatchObject({
    message: expect.stringMatching(/found: \.(png|log) 1, \.(png|log) 1/),
  })
})

test('a file that goes away while others are read is reported', async () => {
  for (const name of ['a.txt', 'b.txt', 'c.txt']) await put(name, name)
  const failures: ReadFailure[] = []
  const seen: string[] = []
  for await (const { text } of readDocuments(folder, { onFailure: (failure) => failures.push(failure) })) {
    seen.push(text)
    if (text === 'a.txt') await unlink(path.join(folder, 'b.txt'))
  }
  expect(seen).toEqual(['a.txt', 'c.txt'])
  expect(failures).toMatchObject([{ code: 'file-unreadable', reason: 'the file is gone.' }])
})

test('a folder and a file that this user may not read are reported', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('skipped: needs root to become another user')
  await put('open.txt', 'open')
  await put('closed.txt', 'closed')
  await chmod(path.join(folder, 'closed.txt'), 0o600)
  await mkdir(path.join(folder, 'private'), { mode: 0o700 })
  await put('private/x.txt', 'closed')
  await chmod(folder, 0o755)
  const script = `
    import { readDocuments } from ${JSON.stringify(new URL('../../src/documents/index.ts', import.meta.url).href)}
    process.setuid(65534)
    const out = []
    for await (const { text } of readDocuments(process.argv.slice(1), { onFailure: ({ reason }) => out.push(reason) })) out.push(text)
    console.log(JSON.stringify(out))`
  const asOther = (pattern: string): unknown =>
    JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script, pattern], { encoding: 'utf8' }))
  const told = ['the folder cannot be listed: this user may not read it.', 'this user may not read it.', 'open']
  expect(asOther(folder)).toEqual(told)
  expect(asOther(`${folder}/**/*.txt`)).toEqual(told)
})

test('without onFailure the first failure is thrown', async () => {
  await put('data.jsonl', '{broken')
  await expect(
    (async () => {
      for await (const _ of readDocuments(folder)) {
        /* nothing */
      }
    })(),
  ).rejects.toMatchObject({ code: 'invalid-input' })
})
