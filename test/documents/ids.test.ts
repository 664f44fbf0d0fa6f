import { mkdir, rename, symlink, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { type ReadFailure, type ReadOptions, readDocuments, type SourcePattern } from '../../src/documents/index.ts'
import type { Document } from '../../src/shared/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
  await mkdir(path.join(folder, 'docs/sub'), { recursive: true })
})

const at = (name: string) => path.join(folder, name)
const put = (name: string, content: string) => writeFile(at(name), content)

async function read(patterns: SourcePattern | readonly SourcePattern[], options: ReadOptions = {}) {
  const failures: ReadFailure[] = []
  const source = readDocuments(patterns, { onFailure: (failure) => failures.push(failure), ...options })
  const documents: Document[] = []
  for await (const document of source) documents.push(document)
  return { source, documents, failures, ids: documents.map(({ id }) => id) }
}

const unmarked = (ids: readonly string[]) => ids.map((id) => id.replace(/~[0-9a-f]{6}/, '~'))

test('an id is the same from every working directory, and by every pattern with the same root', async () => {
  await put('docs/a.md', 'one')
  await put('docs/sub/b.txt', 'two')
  const { ids } = await read(at('docs'))
  expect(unmarked(ids)).toEqual(['docs~/a.md', 'docs~/sub/b.txt'])
  const before = process.cwd()
  try {
    for (const [cwd, pattern] of [
      [folder, 'docs'],
      [folder, './docs/**/*'],
      [at('docs/sub'), '..'],
      [at('docs'), '.'],
      [at('docs'), '**/*.{md,txt}'],
    ] as const) {
      process.chdir(cwd)
      expect((await read(pattern)).ids).toEqual(ids)
    }
  } finally {
    process.chdir(before)
  }
})

test('the payload says where a file is, also through a link to its folder', async () => {
  await put('docs/sub/b.txt', 'two')
  await symlink(at('docs'), at('link'))
  const [document] = (await read(at('link'))).documents
  expect(document?.payload).toEqual({ root: at('docs'), path: 'sub/b.txt' })
  expect((await read([at('link'), at('docs')])).ids).toHaveLength(1)
})

test('a file reached through two patterns is read once, with the root of the first', async () => {
  await put('docs/sub/b.txt', 'two')
  expect(unmarked((await read([at('docs'), at('docs/sub/b.txt')])).ids)).toEqual(['docs~/sub/b.txt'])
  expect(unmarked((await read([at('docs/sub/b.txt'), at('docs')])).ids)).toEqual(['sub~/b.txt'])
})

test('folders of one name are told apart; a name of the caller stays when the folder moves', async () => {
  await mkdir(at('other/docs'), { recursive: true })
  for (const name of ['docs/a.md', 'other/docs/a.md']) await put(name, name)
  expect(new Set((await read([at('docs'), at('other/docs')])).ids).size).toBe(2)
  expect((await read(at('docs'), { rootName: 'manual' })).ids).toEqual(['manual/a.md'])
  await rename(at('docs'), at('moved'))
  expect((await read({ path: at('moved'), name: 'manual' })).ids).toEqual(['manual/a.md'])
  await expect(read([at('moved'), at('other/docs')], { rootName: 'manual' })).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('other/docs'),
  })
  await expect(read(at('moved'), { rootName: '' })).rejects.toMatchObject({ code: 'invalid-option' })
})

test('rows of two files keep apart, unless their ids are global: then one id twice names both places', async () => {
  await put('docs/a.csv', 'id,text\n1,one\n2,two\n')
  await put('docs/b.jsonl', '{"id":1,"text":"uno"}\n')
  const { ids, failures } = await read(at('docs'))
  expect(unmarked(ids)).toEqual(['docs~/a.csv#1', 'docs~/a.csv#2', 'docs~/b.jsonl#1'])
  expect(failures).toEqual([])
  const global = await read(at('docs'), { globalIds: true })
  expect(global.ids).toEqual(['1', '2'])
  expect(global.failures).toMatchObject([
    { id: expect.stringMatching(/b\.jsonl:1$/), reason: expect.stringMatching(/"1" is that of \S*a\.csv:2 too/) },
  ])
})

test('one id twice in a file names both lines, and the first row is kept', async () => {
  await put('docs/a.csv', 'id,text\n1,one\n2,"two\nlines"\n1,other\n')
  const { documents, failures } = await read(at('docs'))
  expect(documents.map(({ text }) => text)).toEqual(['one', 'two\nlines'])
  expect(failures).toMatchObject([
    { id: expect.stringMatching(/a\.csv:5$/), reason: expect.stringMatching(/a\.csv:2 too/) },
  ])
  await expect(Array.fromAsync(readDocuments(at('docs')))).rejects.toMatchObject({ code: 'invalid-input' })
})

test('ids of all kinds keep their digits, and what is none is refused', async () => {
  const lines = [
    '{"id":12345678901234567890,"text":"a"}',
    '{"id":12345678901234567891,"text":"b"}',
    '{"id":1.5,"text":"c"}',
    '{"id":{"$oid":"5f0c"},"text":"d"}',
    '{"id":{"$numberLong":"9007199254740993"},"text":"e"}',
    '{"id":{"oid":"5f0c"},"text":"f"}',
    '{"id":null,"text":"g"}',
    '{"id":"","text":"h"}',
    '{"id":true,"text":"i"}',
    '{"id":1e20,"text":"j"}',
    '{"text":"k"}',
  ]
  await put('docs/a.jsonl', lines.join('\n'))
  const { ids, failures } = await read(at('docs'), { globalIds: true })
  expect(ids).toEqual(['12345678901234567890', '12345678901234567891', '1.5', '5f0c', '9007199254740993'])
  expect(failures.map(({ reason }) => reason)).toEqual(
    ['{"oid":"5f0c"}', 'null', '""', 'true', '100000000000000000000', 'none'].map(
      (given) => `no id: expected a string or a number in 'id'; got ${given}.`,
    ),
  )
})

test('where no line has an id, lines are named by their numbers', async () => {
  await put('docs/a.jsonl', '{"text":"a"}\n\n{"text":"b","title":7}\n{"text":"c","title":false}\n')
  const { ids, documents } = await read(at('docs'))
  expect(unmarked(ids)).toEqual(['docs~/a.jsonl:1', 'docs~/a.jsonl:3', 'docs~/a.jsonl:4'])
  expect(documents.map(({ title }) => title)).toEqual([undefined, '7', 'false'])
})

test('a source covers what its patterns would give, and no file that could not be read', async () => {
  await put('docs/a.md', 'one')
  await put('docs/rows.csv', 'id,text\n1,one\n')
  await put('docs/broken.jsonl', '{')
  await put('docs/sub/b.md', 'two')
  const stored = (await read(at('docs'))).documents
  const gone: Document = { id: 'x', text: '', payload: { root: at('docs'), path: 'sub/gone.md' } }
  const covered = async (patterns: SourcePattern) => {
    const { source } = await read(patterns)
    return [...stored, gone].filter(source.covers).map(({ payload }) => payload?.['path'])
  }
  expect(await covered(at('docs'))).toEqual(['a.md', 'rows.csv', 'sub/b.md', 'sub/gone.md'])
  expect(await covered(at('docs/**/*.md'))).toEqual(['a.md', 'sub/b.md', 'sub/gone.md'])
  expect(await covered(at('docs/sub'))).toEqual([])
  expect(await covered(at('docs/rows.csv'))).toEqual(['rows.csv'])
  const { source } = await read(at('docs'))
  const broken = { id: 'y', payload: { root: at('docs'), path: 'broken.jsonl' } }
  expect(source.covers(broken)).toBe(false)
  await unlink(at('docs/broken.jsonl'))
  expect((await read(at('docs'))).source.covers(broken)).toBe(true)
  expect(source.covers({ id: 'z', payload: { path: 'a.md' } })).toBe(false)
  expect(
    (await read({ path: at('docs/sub'), name: 'n' })).source.covers({
      id: 'n/b.md',
      payload: { root: '/old', path: 'b.md' },
    }),
  ).toBe(true)
})

test('legacy ids are those of 0.1.0, relative to the working directory', async () => {
  await put('docs/a.md', 'one')
  await put('docs/b.csv', 'id,text\n1,one\n')
  await put('docs/c.jsonl', '{"text":"one"}\n')
  const { documents } = await read(at('docs'), { legacyIds: true })
  const shown = path.relative('.', at('docs'))
  expect(documents.map(({ replaces }) => replaces)).toEqual([`${shown}/a.md`, '1', `${shown}/c.jsonl:1`])
  expect((await read(at('docs'))).documents.every((document) => !('replaces' in document))).toBe(true)
})
